//! What became of the bucket of an object of which no record tells.

use std::collections::BTreeSet;

use super::subject::Subject;
use crate::investigate::answer::ResourceAnswer;
use crate::investigation::source::Sources;
use crate::investigation::subject as answers;
use crate::query::error::QueryError;
use crate::resource_types::ResourceTypes;

/// The type of resources that are in a bucket.
const OBJECT: &str = "AWS::S3::Object";

/// Returns what happened to the bucket of an object. `None`: no object was asked for, or no record names its bucket.
///
/// # Errors
/// [`QueryError`] where the archive cannot be asked.
pub(super) async fn bucket(
    sources: &Sources,
    types: &ResourceTypes,
    subject: &Subject,
    organization: Option<&BTreeSet<String>>,
) -> Result<Option<ResourceAnswer>, QueryError> {
    let Subject::Resource { candidates, .. } = subject else { return Ok(None) };
    let objects = candidates.iter().filter(|own| own.resource_type.as_deref() == Some(OBJECT));
    let Some(name) = objects.filter_map(|own| own.identity.parent.clone()).next() else { return Ok(None) };
    let Ok(candidates) = types.candidates(&format!("bucket {name}")) else { return Ok(None) };
    let found = Box::pin(answers::resources(sources, types, &candidates, &name, organization)).await?;
    Ok(found.resources.into_iter().next())
}
