//! The first reading: what must be known of the whole catalogue before its lists are read.
//!
//! Owns which packs are read for it, and where plans come from when a catalogue has none.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::{PackText, starter_packs};
use crate::engine::numbers::PlansBuilder;
use crate::lists::checks::Surroundings;
use crate::lists::pack::Reader;
use crate::lists::space::Space;
use crate::lists::{Findings, Sink};
use crate::model::entry::{ClassRow, Entry, ListSpec, PlanRow, Setting, TrunkRow, Value};
use crate::model::number::Region;
use crate::model::policy::{Action, Policy};
use crate::model::time::Timestamp;

/// Regions that are looked at as home: the default one and those of trunks. A carrier has lines in
/// some; each is probed with some hundred attempts.
const HOME_MAX: usize = 16;

/// What the first reading tells.
pub(super) struct Gathered {
    pub plans: PlansBuilder,
    /// Regions where the carrier has lines of its own.
    pub home: Vec<Region>,
    pub surroundings: Surroundings,
    /// Plans that are built in, of regions whose class rows the packs hold without a plan.
    pub lent: Vec<PlanRow>,
    pub findings: Findings,
}

/// Reads the packs that speak of plans, trunks or policy, and of them only that.
pub(super) fn gather(packs: &[PackText], now: Option<Timestamp>) -> Gathered {
    let mut sink = GatherSink::default();
    let mut reader = Reader::default();
    for pack in packs.iter().filter(|pack| speaks_of_all(&pack.octets)) {
        reader.read(&pack.name, &pack.octets, &mut sink);
    }
    let GatherSink { builder, mut rows, default_region, trunk_regions, hold } = sink;
    // A pack checked on its own has no plans: ordinary numbers are those of the starter packs.
    let StarterRows { rows: Rows { plans, classes }, space: built_in } = starter_rows();
    let planned: HashSet<Region> = rows.plans.iter().map(|row| row.region).collect();
    let classed: HashSet<Region> = rows.classes.iter().map(|row| row.region).collect();
    let lent =
        plans.iter().filter(|row| classed.contains(&row.region) && !planned.contains(&row.region));
    let lent: Vec<PlanRow> = lent.cloned().collect();
    rows.plans.extend(plans.iter().filter(|row| !planned.contains(&row.region)).cloned());
    rows.classes.extend(classes.iter().filter(|row| !classed.contains(&row.region)));
    let mut home = vec![default_region.unwrap_or(Policy::default().default_region)];
    for region in trunk_regions {
        if home.len() < HOME_MAX && !home.contains(&region) {
            home.push(region);
        }
    }
    let space = Space::new(&rows.plans, &rows.classes).at_home(&home, built_in);
    let hold = hold.iter().copied().min().unwrap_or_default();
    Gathered {
        plans: builder,
        surroundings: Surroundings { space, home: home.clone(), hold, now },
        home,
        lent,
        findings: reader.findings().clone(),
    }
}

/// Does a pack hold numbering plans or classes, trunks or settings?
fn speaks_of_all(octets: &[u8]) -> bool {
    let kinds: [&[u8]; 3] = [b"kind=number-", b"kind=policy", b"kind=trunk"];
    kinds.iter().any(|kind| memchr::memmem::find(octets, kind).is_some())
}

/// Plans and class rows.
#[derive(Default)]
struct Rows {
    plans: Vec<PlanRow>,
    classes: Vec<ClassRow>,
}

/// Plans and class rows of the starter packs.
struct StarterRows {
    rows: Rows,
    space: Space,
}

/// Read once.
fn starter_rows() -> &'static StarterRows {
    static ROWS: OnceLock<StarterRows> = OnceLock::new();
    ROWS.get_or_init(|| {
        let mut sink = GatherSink::default();
        let mut reader = Reader::default();
        for pack in starter_packs().iter().filter(|pack| speaks_of_all(&pack.octets)) {
            reader.read(&pack.name, &pack.octets, &mut sink);
        }
        let space = Space::new(&sink.rows.plans, &sink.rows.classes);
        StarterRows { rows: sink.rows, space }
    })
}

struct GatherSink {
    builder: PlansBuilder,
    rows: Rows,
    default_region: Option<Region>,
    trunk_regions: Vec<Region>,
    /// Risk from which calls and messages are held.
    hold: [u16; 2],
}

impl Default for GatherSink {
    fn default() -> GatherSink {
        let policy = Policy::default();
        GatherSink {
            builder: PlansBuilder::new(),
            rows: Rows::default(),
            default_region: None,
            trunk_regions: Vec::new(),
            hold: [policy.call.hold, policy.message.hold],
        }
    }
}

impl Sink for GatherSink {
    fn list(&mut self, _spec: &ListSpec) {}

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), String> {
        match &entry.value {
            Value::NumberPlan(row) => {
                self.builder.add_plan(row).map_err(|e| e.to_string())?;
                self.rows.plans.push(row.clone());
            }
            Value::NumberClass(row) => {
                self.builder.add_class(row).map_err(|e| e.to_string())?;
                self.rows.classes.push(*row);
            }
            // More than are looked at are not kept.
            Value::Trunk(TrunkRow { region: Some(region), .. })
                if self.trunk_regions.len() < HOME_MAX && !self.trunk_regions.contains(region) =>
            {
                self.trunk_regions.push(*region);
            }
            Value::Policy(Setting::DefaultRegion(region)) => self.default_region = Some(*region),
            Value::Policy(Setting::CallThreshold(Action::Hold, risk)) => self.hold[0] = *risk,
            Value::Policy(Setting::MessageThreshold(Action::Hold, risk)) => self.hold[1] = *risk,
            _ => {}
        }
        Ok(())
    }
}
