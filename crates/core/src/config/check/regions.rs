//! Rules for regions: they exist, and all lie in one partition.

use crate::config::diagnostic::Diagnostic;
use crate::config::finding::Code;
use crate::config::schema::{Config, Encryption, Regions};
use crate::config::suggest::nearest;
use crate::ids::{KNOWN_REGIONS, Region};

pub(super) fn check(config: &Config) -> Vec<Diagnostic> {
    let mut remarks: Vec<Diagnostic> =
        unknown(config, "/home_region".into(), &config.home_region).into_iter().collect();
    for (n, trail) in config.trails.iter().enumerate() {
        let Regions::Only(regions) = &trail.regions else { continue };
        remarks.extend(listed(config, &format!("/trails/{n}/regions"), regions));
    }
    remarks.extend(key(config));
    remarks
}

/// Returns what is wrong with the regions of a list.
pub(super) fn listed(config: &Config, list: &str, regions: &[Region]) -> Vec<Diagnostic> {
    let judged = regions.iter().enumerate().filter_map(|(n, region)| {
        let at = format!("{list}/{n}");
        unknown(config, at.clone(), region).or_else(|| elsewhere(config, at, region))
    });
    judged.collect()
}

fn unknown(config: &Config, at: String, region: &Region) -> Option<Diagnostic> {
    if region.is_known() || config.new_regions.contains(region) {
        return None;
    }
    let guess = nearest(region.as_str(), KNOWN_REGIONS.iter().copied());
    let guess = guess.map(|region| format!("did you mean `{region}`? ")).unwrap_or_default();
    let help = format!("{guess}If AWS has opened the region lately, add it to `new_regions`");
    Some(Diagnostic::new(Code::UnknownRegion, at, format!("there is no region `{region}`")).help(help))
}

/// Partitions share neither accounts nor organizations.
fn elsewhere(config: &Config, at: String, region: &Region) -> Option<Diagnostic> {
    let (here, there) = (config.home_region.partition(), region.partition());
    if here == there {
        return None;
    }
    let message = format!("`{region}` lies in the partition {there}, the home region in {here}");
    let remark =
        Diagnostic::new(Code::Conflict, at, message).because("/home_region", format!("in the partition {here}"));
    Some(remark.help("an organization lives in one partition; make a file of its own for the other"))
}

/// CloudTrail takes a key only from the region of the bucket (CloudTrail user guide, "Configure AWS KMS key policies").
fn key(config: &Config) -> Option<Diagnostic> {
    let Encryption::KeyArn(arn) = &config.bucket.encryption else { return None };
    let home = &config.home_region;
    if arn.region() == home.as_str() && arn.partition() == home.partition().as_str() {
        return None;
    }
    let message = format!("the key lies in `{}`, the bucket in `{home}`: CloudTrail refuses such a pair", arn.region());
    let remark =
        Diagnostic::new(Code::Conflict, "/bucket/encryption", message).because("/home_region", "the bucket's region");
    Some(remark.help("use a key of the home region, or `kms` for one that orgtrail makes"))
}
