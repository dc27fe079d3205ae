//! Refuses answers that were cut off. The SDK's reader of XML takes what is there: of half an answer it makes one in
//! which everything that follows is switched off.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Looks at each answer that was read into memory.
#[derive(Debug)]
pub(super) struct Whole;

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.response().body().bytes() {
            Some(body) if !is_whole(body) => Err("the answer was cut off".into()),
            _ => Ok(()),
        }
    }
}

/// Tells whether a body that begins as XML ends with the end of its first element. Other bodies are not judged here.
fn is_whole(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let mut rest = text.trim();
    if !rest.starts_with('<') {
        return true;
    }
    while rest.starts_with("<?") || rest.starts_with("<!") {
        let Some((_, after)) = rest.split_once('>') else { return false };
        rest = after.trim_start();
    }
    let Some(tag) = rest.strip_prefix('<') else { return false };
    let name: String = tag.chars().take_while(|c| !c.is_whitespace() && !matches!(c, '>' | '/')).collect();
    let closes_itself = tag.split_once('>').is_some_and(|(inside, after)| inside.ends_with('/') && after.is_empty());
    closes_itself || (!name.is_empty() && rest.ends_with(&format!("</{name}>")))
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn half_an_answer_is_none() {
        for whole in
            ["", "{\"a\":1", "<A/>", "<A b=\"c\" />", "<?xml version=\"1.0\"?>\n<A x=\"y\"><B>1</B></A>\n", "<A></A>"]
        {
            assert!(is_whole(whole.as_bytes()), "{whole}");
        }
        for cut in ["<", "<A", "<A>", "<A><B>1</B>", "<A><B/>", "<?xml version", "<?xml version=\"1.0\"?>", "<A></A><"]
        {
            assert!(!is_whole(cut.as_bytes()), "{cut}");
        }
    }
}
