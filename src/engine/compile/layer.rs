//! Compiles one layer: the matchers of its lists.

use std::collections::HashMap;

use super::CompileError;
use crate::engine::intern::{Interner, Member, NONE};
use crate::engine::keywords::{Atom, ConjunctionSetBuilder, FactKind, KeywordSetBuilder, PhraseId};
use crate::engine::numbers::{IndexBuilder, Plans};
use crate::engine::ruleset::{BrandEntry, Genuine, Layer, PhraseUse, TextEntry, TextMatchers};
use crate::model::entry::{
    Brand, Conjunction, Entry, EntryMeta, ListSpec, NumberPattern, Party, SenderMatch, Term, Value,
};
use crate::text::fold::{fold_phrase, fold_to_string};
use crate::text::sender::{sender_exact_key, sender_skeleton};

/// Lists in one layer; their indexes are 16 bits wide.
pub(super) const LISTS_MAX: usize = 65_535;

#[derive(Default)]
pub(super) struct LayerBuilder {
    lists: Vec<ListSpec>,
    /// Where each list is, by id.
    list_ids: HashMap<Box<str>, u16>,
    /// The list that entries go to.
    current: Option<u16>,
    list_entries: Vec<u64>,
    interner: Interner,
    numbers: IndexBuilder,
    patterns: Vec<NumberPattern>,
    pattern_ids: HashMap<NumberPattern, u32>,
    senders: HashMap<Box<str>, Vec<u32>>,
    look_alikes: HashMap<Box<str>, Vec<Genuine>>,
    signatures: HashMap<Box<str>, Vec<u32>>,
    domains: HashMap<Box<str>, Vec<u32>>,
    keywords: KeywordSetBuilder,
    phrases: Vec<PhraseDraft>,
    writings: HashMap<(u32, u16), Box<str>>,
    conjunctions: ConjunctionSetBuilder,
    conjunction_entries: Vec<TextEntry>,
    brands: Vec<BrandEntry>,
    brand_domains: HashMap<Box<str>, Vec<u32>>,
}

struct PhraseDraft {
    text: Box<str>,
    members: Vec<u32>,
    in_conjunction: bool,
    brands: Vec<u32>,
}

fn refuse(error: impl std::fmt::Display) -> CompileError {
    CompileError(error.to_string())
}

/// Adds a phrase as people write it: folded, `*` at an end opens that end.
pub(super) fn add_phrase(
    keywords: &mut KeywordSetBuilder,
    text: &str,
) -> Result<PhraseId, CompileError> {
    let (open_left, rest) = text.strip_prefix('*').map_or((false, text), |rest| (true, rest));
    let (open_right, rest) = rest.strip_suffix('*').map_or((false, rest), |rest| (true, rest));
    let added = keywords.add(&fold_phrase(rest), open_left, open_right);
    added.map_err(|e| CompileError(format!("phrase \"{text}\": {e}")))
}

impl LayerBuilder {
    /// Begins a list, or goes on with it.
    pub fn begin(&mut self, spec: &ListSpec) -> Result<(), CompileError> {
        if let Some(&at) = self.list_ids.get(&spec.id) {
            if self.lists[usize::from(at)] != *spec {
                return Err(CompileError(format!("list {} is given in two ways", spec.id)));
            }
            self.current = Some(at);
            return Ok(());
        }
        if self.lists.len() >= LISTS_MAX {
            return Err(CompileError(format!("more than {LISTS_MAX} lists")));
        }
        let at = self.lists.len() as u16;
        self.list_ids.insert(spec.id.clone(), at);
        self.lists.push(spec.clone());
        self.list_entries.push(0);
        self.current = Some(at);
        Ok(())
    }

    /// Which party the current list speaks of.
    pub fn party(&self) -> Party {
        let current = self.current.map(|at| self.lists[usize::from(at)].party);
        current.unwrap_or(Party::Originator)
    }

    /// Counts an entry that another part of the ruleset holds.
    pub fn count(&mut self) -> Result<(), CompileError> {
        let list = self.list()?;
        self.list_entries[usize::from(list)] += 1;
        Ok(())
    }

    fn list(&self) -> Result<u16, CompileError> {
        self.current.ok_or_else(|| CompileError("entry before its list".into()))
    }

    fn member(&mut self, meta: EntryMeta) -> Result<u32, CompileError> {
        let list = self.list()?;
        Ok(self.interner.member(Member::new(list, meta)))
    }

    pub fn number(
        &mut self,
        plans: &Plans,
        entry: &Entry<'_>,
        pattern: &NumberPattern,
    ) -> Result<(), CompileError> {
        let mut member = Member::new(self.list()?, entry.meta);
        if !matches!(pattern, NumberPattern::Exact(_)) {
            let next = self.patterns.len() as u32;
            let patterns = &mut self.patterns;
            member.pattern = *self.pattern_ids.entry(*pattern).or_insert_with(|| {
                patterns.push(*pattern);
                next
            });
        }
        let member = self.interner.member(member);
        self.numbers.add(plans, pattern, member).map_err(refuse)
    }

    pub fn add(&mut self, plans: &Plans, entry: &Entry<'_>) -> Result<(), CompileError> {
        self.count()?;
        match &entry.value {
            Value::Number(pattern) => self.number(plans, entry, pattern),
            Value::Sender(text, how) => self.sender(entry.meta, text, *how),
            Value::Signature(text) => {
                let member = self.member(entry.meta)?;
                let key = fold_to_string(text);
                self.signatures.entry(key.into()).or_default().push(member);
                Ok(())
            }
            Value::Domain(host) => {
                let member = self.member(entry.meta)?;
                self.domains.entry((*host).into()).or_default().push(member);
                Ok(())
            }
            Value::Keyword(text) => {
                let member = self.member(entry.meta)?;
                let phrase = self.phrase(text)?;
                self.phrases[phrase.0 as usize].members.push(member);
                self.writing(phrase, text)
            }
            Value::Conjunction(conjunction) => self.conjunction(entry.meta, conjunction),
            Value::Brand(brand) => self.brand(entry.meta, brand),
            Value::NumberPlan(_) | Value::NumberClass(_) | Value::Trunk(_) | Value::Policy(_) => {
                Err(CompileError("not an entry of a layer".into()))
            }
        }
    }

    fn sender(
        &mut self,
        meta: EntryMeta,
        text: &str,
        how: SenderMatch,
    ) -> Result<(), CompileError> {
        let exact = sender_exact_key(text);
        match how {
            SenderMatch::Exact => {
                let member = self.member(meta)?;
                self.senders.entry(exact.into()).or_default().push(member);
            }
            SenderMatch::LookAlike => {
                let skeleton = sender_skeleton(text);
                if skeleton.is_empty() {
                    return Err(CompileError(format!("sender \"{text}\" has no letters")));
                }
                let member = Member::new(self.list()?, meta);
                let genuine = Genuine { key: exact.into(), member };
                self.look_alikes.entry(skeleton.into()).or_default().push(genuine);
            }
        }
        Ok(())
    }

    /// The id of a phrase; `*` at an end opens that end.
    fn phrase(&mut self, text: &str) -> Result<PhraseId, CompileError> {
        let id = add_phrase(&mut self.keywords, text)?;
        if id.0 as usize == self.phrases.len() {
            self.phrases.push(PhraseDraft {
                text: text.into(),
                members: Vec::new(),
                in_conjunction: false,
                brands: Vec::new(),
            });
        }
        Ok(id)
    }

    /// Keeps how the current list writes a phrase, where others write it otherwise.
    fn writing(&mut self, phrase: PhraseId, text: &str) -> Result<(), CompileError> {
        if *self.phrases[phrase.0 as usize].text == *text {
            return Ok(());
        }
        let list = self.list()?;
        self.writings.entry((phrase.0, list)).or_insert_with(|| text.into());
        Ok(())
    }

    fn atoms(&mut self, terms: &[Term]) -> Result<Vec<Atom>, CompileError> {
        terms
            .iter()
            .map(|term| match term {
                Term::Phrase(text) => {
                    let id = self.phrase(text)?;
                    self.phrases[id.0 as usize].in_conjunction = true;
                    Ok(Atom::Phrase(id))
                }
                Term::Link => Ok(Atom::Fact(FactKind::Link)),
                Term::Phone => Ok(Atom::Fact(FactKind::Phone)),
                Term::Code => Ok(Atom::Fact(FactKind::Code)),
            })
            .collect()
    }

    fn conjunction(
        &mut self,
        meta: EntryMeta,
        conjunction: &Conjunction,
    ) -> Result<(), CompileError> {
        let list = self.list()?;
        let groups: Result<Vec<Vec<Atom>>, _> =
            conjunction.groups.iter().map(|group| self.atoms(group)).collect();
        let none = self.atoms(&conjunction.none)?;
        self.conjunctions
            .add(&groups?, &none, conjunction.within)
            .map_err(|e| CompileError(format!("conjunction \"{}\": {e}", conjunction.id)))?;
        self.conjunction_entries.push(TextEntry { list, meta, id: conjunction.id.clone() });
        Ok(())
    }

    fn brand(&mut self, meta: EntryMeta, brand: &Brand) -> Result<(), CompileError> {
        let list = self.list()?;
        let index = u32::try_from(self.brands.len()).expect("fewer brands than entries");
        for name in &brand.names {
            let id = self.phrase(name)?;
            self.phrases[id.0 as usize].brands.push(index);
        }
        for domain in &brand.domains {
            self.brand_domains.entry(domain.clone()).or_default().push(index);
        }
        self.brands.push(BrandEntry { list, meta, brand: brand.clone() });
        Ok(())
    }

    pub fn build(self) -> Result<Layer, CompileError> {
        let mut interner = self.interner;
        let numbers = self.numbers.build(|members| interner.set(members));
        let mut close = |map: HashMap<Box<str>, Vec<u32>>| -> HashMap<Box<str>, u32> {
            map.into_iter().map(|(key, members)| (key, interner.set(&members))).collect()
        };
        let senders = close(self.senders);
        let signatures = close(self.signatures);
        let domains = close(self.domains);
        let phrases = self
            .phrases
            .into_iter()
            .map(|draft| PhraseUse {
                set: if draft.members.is_empty() { NONE } else { interner.set(&draft.members) },
                text: draft.text,
                in_conjunction: draft.in_conjunction,
                brands: draft.brands,
            })
            .collect();
        let domain_labels_max = domains.keys().map(|host| host.split('.').count()).max();
        // By key, so that what is found does not depend on the order of adding.
        let mut look_alikes = self.look_alikes;
        look_alikes.values_mut().for_each(|group| group.sort_by(|a, b| a.key.cmp(&b.key)));
        Ok(Layer {
            lists: self.lists,
            entries: self.list_entries.iter().sum(),
            list_entries: self.list_entries,
            numbers,
            patterns: self.patterns,
            senders,
            look_alikes,
            signatures,
            domain_labels_max: domain_labels_max.unwrap_or(0),
            domains,
            texts: TextMatchers {
                keywords: self.keywords.build(),
                phrases,
                writings: self.writings,
                conjunctions: self.conjunctions.build(),
                conjunction_entries: self.conjunction_entries,
            },
            brands: self.brands,
            brand_domains: self.brand_domains,
            sets: interner.finish(),
        })
    }
}
