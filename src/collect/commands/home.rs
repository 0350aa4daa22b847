//! Where the home folder of an account is: as the host's own `/etc/passwd` says (passwd(5)), else where systems put it. It
//! names a file there only where the scan has it.

use super::Context;

/// The path of a file of an account's home folder (`~/x`, `~bob/x`), where the host has such a file.
pub(super) fn file(path: &str, context: &Context<'_>) -> Option<String> {
    let (account, rest) = path.strip_prefix('~')?.split_once('/')?;
    let account = if account.is_empty() { context.account.as_deref()? } else { account };
    let listed = (context.files)("/etc/passwd").and_then(|text| of_passwd(&text, account));
    let home = listed.unwrap_or_else(|| match account {
        "root" => "/root".to_owned(),
        _ => format!("/home/{account}"),
    });
    let file = format!("{}/{rest}", home.trim_end_matches('/'));
    (context.files)(&file).map(|_| file)
}

/// The sixth field of the account's line.
fn of_passwd(text: &str, account: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(account)?.strip_prefix(':'))?;
    line.split(':').nth(4).filter(|home| home.starts_with('/')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::of_passwd;

    #[test]
    fn a_home_is_the_sixth_field_of_its_accounts_own_line() {
        let text = "root:x:0:0:root:/root:/bin/bash\npostgres:x:104:110:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\nbob:x:1:1\n";
        assert_eq!(of_passwd(text, "postgres").as_deref(), Some("/var/lib/postgresql"));
        assert_eq!(of_passwd(text, "post"), None);
        assert_eq!(of_passwd(text, "bob"), None);
    }
}
