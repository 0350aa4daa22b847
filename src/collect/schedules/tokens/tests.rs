//! The three languages in words.

use super::{Kind, Language, read};

fn words(text: &str, language: Language) -> Vec<String> {
    let read = read(text, language);
    assert_eq!(read.broken, None);
    let told = |token: &super::Token| match token.kind {
        Kind::Text => format!("'{}'@{}", token.text, token.line),
        Kind::Newline => "⏎".to_owned(),
        _ => token.text.clone(),
    };
    read.tokens.iter().map(told).collect()
}

#[test]
fn puppets_words() {
    let told = words(
        "# cron { 'no': }\n/* { */ cron { \"a-${b['x']}-$c::d\": minute => '*/5', ensure => $e ? { /a{2}/ => 1 } }",
        Language::Puppet,
    );
    let want = "cron|{|'a-${b['x']}-${c::d}'@2|:|minute|=>|'*/5'@2|,|ensure|=>|$e|?|{|//|=>|1|}|}";
    assert_eq!(told.join("|"), want);
    let doc =
        "$x = @(\"END\"/L)\n    a ${b}\n      c\n    | END\n$y = @(E)\n  $z\n  - E\nfoo::bar { 'x': }\n";
    let told = words(doc, Language::Puppet);
    assert_eq!(told.join("|"), "$x|=|'a ${b}\n  c\n'@1|$y|=|'  $z\n'@5|foo::bar|{|'x'@8|:|}");
}

#[test]
fn rubys_words() {
    let text = "cron \"a-#{n[\"x\"]}\" do # do\n  minute %w(1 2)\n  command <<~X.strip\n    a # b\n      #{c}\n  X\n  x = a / b\n  only_if { /end do/ =~ y }\n  weekday :monday\nend\n=begin\ncron 'no' do\n=end\n";
    let want = "cron|'a-#{n[\"x\"]}'@1|do|⏎|minute|[|'1'@2|,|'2'@2|,|]|⏎|command|'a # b\n  #{c}\n'@3|.|strip|⏎|x|=|a|/|b|⏎|only_if|{|//|=~|y|}|⏎|weekday|'monday'@9|⏎|end|⏎|⏎";
    assert_eq!(words(text, Language::Ruby).join("|"), want);
    assert_eq!(words("a << b\nx<<Y\n1\nY\n", Language::Ruby).join("|"), "a|<<|b|⏎|x|'1\n'@2|⏎");
}

#[test]
fn words_of_hcl() {
    let text = "// no\nresource \"a\" \"b\" { # no\n  x = \"rate(${var.n[\"k\"]} days)\" /* no */\n  y = <<-E\n    z\n  E\n  w = 5\n}\n";
    let want = "⏎|resource|'a'@2|'b'@2|{|⏎|x|=|'rate(${var.n[\"k\"]} days)'@3|⏎|y|=|'z\n'@4|⏎|w|=|5|⏎|}|⏎";
    assert_eq!(words(text, Language::Hcl).join("|"), want);
}

#[test]
fn what_never_ends_is_told_with_its_line() {
    for (text, line) in [("\n\"abc", 2), ("a <<~X\nb\n", 1), ("a <<~X", 1), ("=begin\n", 1), ("\"#{\"", 1)] {
        assert_eq!(read(text, Language::Ruby).broken.map(|(line, _)| line), Some(line), "{text:?}");
    }
    assert_eq!(read("/* a", Language::Puppet).broken.map(|(line, _)| line), Some(1));
    // No depth of strings in strings is too much to be told.
    assert!(read(&"\"#{".repeat(10_000), Language::Ruby).broken.is_some());
}
