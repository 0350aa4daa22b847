//! Addresses that let in whoever knows them: web hooks and bots of chat services. Where the secret stands is what the
//! services' own pages say; the rest of an address stays, so that it still tells which hook it is.

use super::{SCRUBBED, compiled, replace};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Slack, "Sending messages using incoming webhooks"; Discord, "Webhook Resource"; Microsoft Teams, "Create an Incoming
/// Webhook"; Telegram, "Bot API"; Zapier, "Webhooks"; IFTTT, "Webhooks"; PagerDuty, "Events API". A path alone tells
/// it, too, where no other service has such a one.
static CAPABILITY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r#"(?x)
        ( hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[^/\s"']+/[^/\s"']+/
        | /(?:services|workflows|triggers)/[TE][A-Z0-9]{2,}/[A-Z0-9]{2,}/
        | discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/
        | /api/(?:v\d+/)?webhooks/\d{15,}/
        | outlook\.office(?:365)?\.com/webhook(?:b2)?/
        | \.webhook\.office\.com/webhook(?:b2)?/
        | /IncomingWebhook/
        | /bot\d{3,}(?::|%3[Aa])
        | hooks\.zapier\.com/hooks/catch/\d+/
        | events\.pagerduty\.com/integration/
        | maker\.ifttt\.com/trigger/[^/\s"']+/(?:json/)?with/key/ )
        ( [^\s"'?\#/;,)\\]+ (?: /[^\s"'?\#;,)\\]* )? )"#,
    )
});

/// What may follow the secret of a bot or a hook: the method that is asked for.
fn without_secret(found: &regex::Captures<'_>) -> String {
    let (place, rest) = (&found[1], &found[2]);
    let whole = place.contains("office")
        || place == "/IncomingWebhook/"
        || place.contains("slack")
        || place.starts_with("/services/");
    let end = if whole { rest.len() } else { rest.find('/').unwrap_or(rest.len()) };
    if rest.starts_with(['‹', '$', '{', '<']) {
        return found[0].to_owned();
    }
    format!("{place}{SCRUBBED}{}", &rest[end..])
}

/// The text without the secrets of such addresses.
pub(super) fn without_capabilities(text: Cow<'_, str>) -> Cow<'_, str> {
    replace(text, &CAPABILITY, without_secret)
}
