//! Reads settings one by one, and collects the problems.

use std::fmt;

use super::{SettingReport, Source, Sources};

/// A problem of one setting. Never contains a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingProblem {
    pub name: &'static str,
    /// The expected value, in words.
    pub expected: String,
    /// The source of the wrong value; `None` if there is no value.
    pub found_in: Option<Source>,
}

/// The problems of all settings, which `Display` writes as one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingProblems {
    /// In the order in which the settings are read.
    pub list: Vec<SettingProblem>,
    looked_in: String,
}

impl SettingProblems {
    /// Whether there is no problem.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl std::error::Error for SettingProblems {}

impl fmt::Display for SettingProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} problem(s):", self.list.len())?;
        for SettingProblem { name, expected, found_in } in &self.list {
            match found_in {
                Some(source) => write!(f, "\n  {name} (from {source}): expected {expected}")?,
                None => write!(f, "\n  {name}: missing; expected {expected}; looked in {}", self.looked_in)?,
            }
        }
        Ok(())
    }
}

pub(super) struct Reader<'a> {
    sources: &'a Sources,
    report: Vec<SettingReport>,
    problems: Vec<SettingProblem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, report: Vec::new(), problems: Vec::new() }
    }

    /// A setting that must have a value. The first of `names` that has a value is used.
    pub(super) fn required<T>(
        &mut self,
        names: &[&'static str],
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.read(names, None, true, expected, parse)
    }

    /// A setting that may have no value.
    pub(super) fn optional<T>(
        &mut self,
        names: &[&'static str],
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.read(names, None, false, expected, parse)
    }

    /// A setting with a default; `None` only if its value cannot be parsed.
    pub(super) fn or_default<T>(
        &mut self,
        names: &[&'static str],
        default: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.read(names, Some(default), false, expected, parse)
    }

    fn read<T>(
        &mut self,
        names: &[&'static str],
        default: Option<&str>,
        required: bool,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let found = names.iter().find_map(|name| self.sources.get(name).map(|(value, source)| (*name, value, source)));
        let (name, value, source) = match (found, default) {
            (Some((name, value, source)), _) => (name, Some(parse(value)), Some(source)),
            (None, Some(default)) => (names[0], Some(parse(default)), Some(Source::Default)),
            (None, None) => (names[0], None, None),
        };
        let set = value.is_some();
        let parsed = value.flatten();
        self.report.push(SettingReport { name, set, source, required, problem: None });
        if parsed.is_none() && (set || required) {
            self.problem(name, expected, source);
        }
        parsed
    }

    /// Adds a problem of a setting that could be parsed. Its value has one of `names`.
    pub(super) fn refuse(&mut self, names: &[&'static str], expected: &str) {
        let row = self.report.iter().find(|row| names.contains(&row.name));
        if let Some((name, source)) = row.map(|row| (row.name, row.source)) {
            self.problem(name, expected, source);
        }
    }

    fn problem(&mut self, name: &'static str, expected: &str, found_in: Option<Source>) {
        if let Some(row) = self.report.iter_mut().rfind(|row| row.name == name) {
            let text = format!("expected {expected}");
            row.problem = Some(match row.problem.take() {
                Some(earlier) => format!("{earlier}; {text}"),
                None => text,
            });
        }
        self.problems.push(SettingProblem { name, expected: expected.to_owned(), found_in });
    }

    pub(super) fn finish(self) -> (Vec<SettingReport>, SettingProblems) {
        (self.report, SettingProblems { list: self.problems, looked_in: self.sources.places() })
    }
}

/// Reads 1 to 200 visible ASCII characters.
pub(super) fn short_text(text: &str) -> Option<String> {
    let fits = (1..=200).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// Reads a whole number from `min` to `max`.
pub(super) fn whole_number(text: &str, min: i64, max: i64) -> Option<i64> {
    text.parse().ok().filter(|number| (min..=max).contains(number))
}
