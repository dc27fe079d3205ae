//! How much a question of Athena may scan, and who sees to it.

use super::super::failure::CliError;
use crate::cloud::aws::athena::Workgroup;
use crate::report::text::words::size;

/// The most bytes that a question may scan. At least one of the two is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScanLimit {
    /// That of the workgroup, which Athena keeps. `None`: it has none.
    pub(super) workgroup: Option<u64>,
    /// That of `--max-bytes`, which this program keeps, where it is lower. `None`: it is not.
    pub(super) own: Option<u64>,
}

impl ScanLimit {
    /// Returns the limit of a question.
    ///
    /// # Errors
    /// Where there is none.
    pub(super) fn of(name: &str, workgroup: &Workgroup, max_bytes: Option<u64>) -> Result<Self, CliError> {
        let given = max_bytes.filter(|bytes| *bytes > 0);
        let (workgroup, own) = match (workgroup.bytes_max, given) {
            (None, None) => {
                return Err(CliError::new(format!("the workgroup {name} of Athena has no limit of bytes a question"))
                    .hint(format!(
                        "set one: `aws athena update-work-group --work-group {name} --configuration-updates \
                         BytesScannedCutoffPerQuery=BYTES`; or pass --max-bytes SIZE, with which orgtrail watches the \
                         question and stops it"
                    )));
            }
            (Some(athena), Some(own)) => (Some(athena), Some(own).filter(|own| *own < athena)),
            (athena, own) => (athena, own),
        };
        Ok(Self { workgroup, own })
    }

    /// Returns the lower one, in bytes.
    pub(super) fn bytes(self) -> u64 {
        self.own.or(self.workgroup).unwrap_or_default()
    }

    /// Tells what it is and who keeps it, before a question is asked.
    pub(super) fn sentence(self, name: &str) -> String {
        let of_workgroup = self.workgroup.map(|bytes| {
            format!("Athena ends the question at {} scanned, the limit of the workgroup {name}.", size(bytes))
        });
        let own = self.own.map(|bytes| {
            format!(
                "orgtrail stops the question once Athena says that it has scanned more than {} (--max-bytes); what it scans \
                 between two looks comes on top, and it goes on where orgtrail is killed.",
                size(bytes)
            )
        });
        own.into_iter().chain(of_workgroup).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workgroup_without_a_limit_is_refused_unless_one_is_given() {
        let limit = |of_workgroup: Option<u64>, given: Option<u64>| {
            let workgroup = Workgroup { bytes_max: of_workgroup, ..Workgroup::default() };
            ScanLimit::of("audit", &workgroup, given)
        };
        for none in [None, Some(0)] {
            let refused = limit(None, none).unwrap_err();
            assert!(refused.hint.contains("update-work-group --work-group audit"), "{refused}");
        }
        let bytes = |of_workgroup, given| limit(of_workgroup, given).unwrap();
        assert_eq!(bytes(Some(100), None), ScanLimit { workgroup: Some(100), own: None });
        assert_eq!(bytes(Some(100), Some(0)).bytes(), 100);
        assert_eq!(bytes(Some(100), Some(200)), ScanLimit { workgroup: Some(100), own: None });
        assert_eq!(bytes(Some(100), Some(50)), ScanLimit { workgroup: Some(100), own: Some(50) });
        assert_eq!(bytes(None, Some(50)).bytes(), 50);
        let said = bytes(Some(2 << 30), Some(1 << 30)).sentence("audit");
        assert!(said.contains("1.0 GiB (--max-bytes)") && said.contains("at 2.0 GiB scanned"), "{said}");
    }
}
