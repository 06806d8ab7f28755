//! The catalogue at a start: from the base image at once where there is one, and from the store
//! behind it; where the store cannot be read, from the image alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{ServeArgs, packs, prepare};
use crate::app::catalogue::{self, PackText};
use crate::app::changes::api::Refusal;
use crate::app::changes::{Changes, Door, Fetch, Image, Seeded};
use crate::app::clock::SteadyClock;
use crate::app::publisher::Publisher;
use crate::app::screening::Clock;
use crate::cli::Failure;
use crate::engine::Ruleset;
use crate::model::revision::Revision;
use crate::store::{DataDir, ImageFile, SqliteLog, SqliteView};

/// Time between two images: one is as large as the lists, and a start without the newest is only
/// slower.
const IMAGE_INTERVAL: Duration = Duration::from_secs(5);
/// Time until an image that could not be written is tried again.
const IMAGE_RETRY: Duration = Duration::from_secs(60);

/// What screening and the control port are given.
pub(super) struct Catalogue {
    pub publisher: Arc<Publisher>,
    pub door: Arc<Door>,
    pub images: Images,
    /// Whatever is wrong with the folder, it stays this process's own until it ends.
    pub dir: Arc<DataDir>,
    /// What is still to be opened: screening has an image to go on with meanwhile.
    pub store: Option<Store>,
    /// What became of the packs, where the store is open.
    pub seeded: Seeded,
}

/// The store before it is read.
pub(super) struct Store {
    dir: Arc<DataDir>,
    /// Why the data folder cannot be written, if it cannot.
    unwritable: Option<String>,
    packs: Vec<PackText>,
    image: Option<Image>,
    publisher: Arc<Publisher>,
    door: Arc<Door>,
    clock: Arc<SteadyClock>,
    trust_clock: bool,
    /// What asks sources, where this program can.
    fetch: Option<Arc<dyn Fetch>>,
}

impl Catalogue {
    /// Reads the image; without one, the store.
    ///
    /// Errors: another process has the folder, packs are wrong; without an image also whatever is
    /// wrong with the store.
    pub fn open(args: &ServeArgs, clock: &Arc<SteadyClock>) -> Result<Catalogue, Failure> {
        let dir = DataDir::open(&args.data_dir).map_err(|error| format!("--data-dir: {error}"))?;
        let dir = Arc::new(dir);
        let unwritable = prepare(&args.data_dir).err().map(|error| error.to_string());
        let packs = packs(args)?;
        let file = ImageFile::new(dir.path());
        let now = clock.now();
        let (image, ruleset) = match read(&file) {
            Some((image, ruleset)) => (Some(image), ruleset),
            None => {
                let empty = catalogue::compile(&[], Revision(0));
                (None, empty.map_err(|_| "nothing cannot be compiled")?)
            }
        };
        let publisher = Arc::new(Publisher::new(ruleset, now));
        publisher.set_stale(image.is_some());
        let door = Arc::new(Door::new());
        let mut store = Some(Store {
            dir: Arc::clone(&dir),
            unwritable,
            packs,
            image,
            publisher: Arc::clone(&publisher),
            door: Arc::clone(&door),
            clock: Arc::clone(clock),
            trust_clock: args.trust_clock,
            fetch: fetch(args)?,
        });
        let mut seeded = Seeded::Same;
        if let Some(alone) = store.take_if(|store| store.image.is_none()) {
            seeded = alone.open()?;
        }
        let images = Images { file, next: None };
        Ok(Catalogue { publisher, door, images, dir, store, seeded })
    }
}

/// What asks sources; nothing where the program was built without.
///
/// Errors: certificates that cannot be read.
#[cfg(feature = "fetch")]
fn fetch(args: &ServeArgs) -> Result<Option<Arc<dyn Fetch>>, Failure> {
    super::sources::network(&args.fetch, &args.data_dir).map(Some)
}

/// See the other one.
#[cfg(not(feature = "fetch"))]
fn fetch(_: &ServeArgs) -> Result<Option<Arc<dyn Fetch>>, Failure> {
    Ok(None)
}

/// The image with what it holds; one that cannot be used is as good as none.
fn read(file: &ImageFile) -> Option<(Image, Ruleset)> {
    let octets = match file.read() {
        Ok(octets) => octets?,
        Err(error) => {
            tracing::warn!(%error, "the base image cannot be read; the store is compiled anew");
            return None;
        }
    };
    let image = Image::read(&octets).and_then(|image| {
        let ruleset = image.ruleset().map_err(|refusal| refusal.to_string())?;
        Ok((image, ruleset))
    });
    image
        .inspect_err(|error| {
            tracing::warn!(error, "the base image is damaged; the store is compiled anew");
        })
        .ok()
}

impl Store {
    /// Opens log and view, catches up with them and opens the door; an empty store begins with the
    /// packs.
    ///
    /// Errors: in words, and the door is shut.
    pub fn open(self) -> Result<Seeded, String> {
        let door = Arc::clone(&self.door);
        self.read().inspect_err(|why| door.shut(why.clone()))
    }

    fn read(self) -> Result<Seeded, String> {
        if let Some(why) = self.unwritable {
            return Err(why);
        }
        let log = Arc::new(SqliteLog::open(&self.dir).map_err(|e| e.to_string())?);
        if self.dir.is_read_only() {
            tracing::warn!("the data directory is read-only: no change can be committed");
        } else {
            let swept = log.named_blobs().and_then(|named| log.sweep(&named));
            swept.map_err(|e| e.to_string())?;
        }
        let view = match kept_view(&self.dir) {
            Some(view) => view,
            None => SqliteView::in_memory().map_err(|e| e.to_string())?,
        };
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let changes = Changes::open_from(self.image, log, Box::new(view), self.publisher, clock)
            .map_err(refused)?;
        let last = changes.last_time().filter(|_| !self.trust_clock);
        if last.is_some_and(|last| self.clock.not_before(last)) {
            doubted(&self.clock);
        }
        if let Some(fetch) = self.fetch {
            changes.fetch_with(fetch);
        }
        let changes = Arc::new(changes);
        let seeded = match changes.seed(&self.packs) {
            Ok(seeded) => seeded,
            // Packs that cannot be drafted now are drafted by the next start.
            Err(refusal) if changes.revision() > Revision(0) => {
                tracing::warn!(%refusal, "the packs cannot be compared with the catalogue");
                Seeded::Same
            }
            Err(refusal) => return Err(refused(refusal)),
        };
        self.door.open(changes);
        Ok(seeded)
    }
}

/// The view on disk, made anew where it is damaged; `None` where it cannot be kept there.
fn kept_view(dir: &DataDir) -> Option<SqliteView> {
    if dir.is_read_only() {
        return None;
    }
    let made = SqliteView::open(&dir.view_path()).or_else(|error| {
        tracing::warn!(%error, "the view of the catalogue is made anew from the log");
        SqliteView::create(&dir.view_path())
    });
    made.inspect_err(|error| tracing::warn!(%error, "the view cannot be kept on disk")).ok()
}

fn refused(refusal: Refusal) -> String {
    format!("the catalogue cannot be used: {refusal}")
}

/// Says that the machine's time of day is not believed, or is again.
pub(super) fn doubted(clock: &SteadyClock) {
    let seconds = clock.doubt_ms() / 1_000;
    if seconds == 0 {
        tracing::warn!("the machine's clock agrees with ours again");
        return;
    }
    tracing::error!(
        seconds,
        "the machine's clock has jumped; our own goes on, so that no entry begins or ends by it; \
         set the clock right; where it is right now, start again with --trust-clock"
    );
}

/// Keeps images of new bases.
pub(super) struct Images {
    file: ImageFile,
    /// Not before.
    next: Option<Instant>,
}

impl Images {
    /// Writes an image where there is a new base, at most every few seconds. Blocks; holds no
    /// lock.
    pub fn tend(&mut self, changes: &Changes) {
        if self.next.is_none_or(|next| next <= Instant::now()) {
            self.write(changes);
        }
    }

    /// The same, whenever the last one was.
    pub fn write(&mut self, changes: &Changes) {
        let Some(draft) = changes.take_image() else { return };
        let began = Instant::now();
        let written =
            self.file.write(|sink| draft.write(sink).map_err(|refusal| refusal.to_string()));
        let pause = match written {
            Ok(()) => {
                let ms = began.elapsed().as_millis();
                tracing::info!(revision = draft.revision().0, ms, "base image written");
                IMAGE_INTERVAL
            }
            Err(error) => {
                tracing::warn!(%error, "the base image cannot be written; the one before stays");
                changes.return_image(draft);
                IMAGE_RETRY
            }
        };
        self.next = Some(Instant::now() + pause);
    }
}
