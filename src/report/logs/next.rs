//! What to do about a finding: each kind has its next step.

use std::borrow::Cow;

use crate::logs::finding::{Code, Finding, State};

/// Returns what a person does next about a finding.
pub fn next_step(finding: &Finding) -> Cow<'_, str> {
    finding.next.as_deref().map_or_else(|| Cow::Borrowed(usual(finding)), Cow::Borrowed)
}

fn usual(finding: &Finding) -> &'static str {
    match finding.code {
        Code::LogHashMismatch | Code::LogTrailingData => {
            "restore the version that the reason names as the attested one; if it names none, treat the events of this hour as altered and find who wrote the object"
        }
        Code::LogMissing => {
            "restore the deleted version if there is one, and find who deleted it in the bucket's own access records"
        }
        Code::LogArchived | Code::DigestArchived => "restore the objects from their archive class, and run again",
        Code::LogUnreadable if finding.state == State::Unproven => {
            "allow s3:GetObject and kms:Decrypt to the reader, and run again"
        }
        Code::LogUnreadable => "find who replaced the object; restore an earlier version of it",
        Code::LogUnlisted => {
            "find who put the object there: CloudTrail lists what it delivers; do not read it as evidence"
        }
        Code::LogUnwrapped | Code::DigestUnwrapped => {
            "copy the objects as they are, without unpacking them, so that every reader of the logs reads the same"
        }
        Code::LogUnderNoDigest => "restore the digests of this hour, or accept that nothing proves these files",
        Code::LogOutOfScope => "name the place that the digest speaks of too, as one more argument",
        Code::DigestBadSignature | Code::DigestTrailingData | Code::DigestMoved | Code::DigestLinkMismatch => {
            "restore the original digest from an earlier version or another copy; find who replaced it"
        }
        Code::DigestForeignKey => "treat the whole chain as forged: compare it with another copy of the bucket",
        Code::DigestMissing => "restore the digest from an earlier version; find who deleted it",
        Code::DigestUnreadable if finding.state == State::Unproven => {
            "allow s3:GetObject and kms:Decrypt to the reader, and run again"
        }
        Code::DigestUnreadable => "restore the original digest from an earlier version or another copy",
        Code::DigestUnknownKey => {
            "let cloudtrail:ListPublicKeys be asked in that region, or give a key file from that time with --keys"
        }
        Code::DigestKeyOutOfTime => "check the clock and the key file; ask CloudTrail for its keys of that time",
        Code::KeysOfBundle => {
            "give CloudTrail's keys with --keys, or say --trust-bundle-keys if you trust who made the bundle"
        }
        Code::BundleSigner => {
            "ask who made the bundle for one that bears their signature, and find where this one is from"
        }
        Code::DigestNoSignature => {
            "copy the objects with their metadata, or wait for the next digest, which records the signature"
        }
        Code::DigestNoTimestamp => "copy the objects with their metadata",
        Code::ChainGap => {
            "find when logging or log file validation was off (StopLogging, UpdateTrail); nothing can prove these hours"
        }
        Code::ChainTailMissing if finding.state == State::Unproven => {
            "check with `orgtrail drift` or GetTrailStatus whether the trail still logs and delivers"
        }
        Code::ChainTailMissing => "restore the deleted digests from their versions; find who deleted them",
        Code::ChainAbsent => "switch log file validation on, or look for the digests under another prefix or bucket",
        Code::ChainElsewhere => "name that place too, as one more argument, so that the chain is proved across both",
        Code::ChainCopy => "say of which bucket this is a copy with --bucket, or prove the original",
        Code::ChainExpired => {
            "ask with --from only for hours that the lifecycle rule keeps; if the rule is not wanted, find who made it"
        }
        Code::ChainExpected => {
            "look whether its folder was deleted or renamed, and whether the trail covers it (`orgtrail coverage`)"
        }
        Code::ChainUnlisted => "allow s3:ListBucket below that prefix to the reader, or narrow the run with --account",
        Code::RangeFuture => "end the range before now",
        Code::ClockSlow => "set the clock of this machine and run again",
        Code::StoreOddFile => "copy the logs as plain files",
        Code::RunInterrupted => "run again to the end",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_finding_has_a_next_step() {
        for &code in Code::ALL {
            for state in [State::Unproven, State::Broken] {
                let finding = Finding { code, state, object: None, window: None, detail: String::new(), next: None };
                assert!(next_step(&finding).len() > 15, "{code}");
            }
        }
    }
}
