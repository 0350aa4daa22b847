//! Files that are torn, forged, too large or from tomorrow; and what folds when files are merged.

use super::*;

/// A small evidence file, unpacked, line by line.
fn lines() -> Vec<String> {
    let here = folder();
    write(here.path(), "a/pg.log", one("kim", "t") + &one("kim", "u"));
    unpacked(&collected(vec![here.path().join("a")], None)).lines().map(str::to_owned).collect()
}

/// What a scan says of such a file, and what merging says.
fn told(content: &[u8]) -> (Option<i32>, Vec<String>, Vec<String>, String) {
    let here = folder();
    write(here.path(), "x.zst", content);
    let output = run_in(here.path(), &["scan", "x.zst", "--format", "json", "--as-of", "2026-11-24"]);
    let report = String::from_utf8(output.stdout).expect("it is UTF-8");
    let merging = complaint(here.path(), &["merge", "x.zst", "-o", "y.zst"]).1;
    assert!(merging.is_empty() || !here.path().join("y.zst").exists());
    (output.status.code(), links(&report), gaps(&report), merging)
}

#[test]
fn a_broken_file_is_read_as_far_as_it_goes_and_never_merged() {
    let whole = lines();
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = whole.clone();
        change(&mut lines);
        told((lines.join("\n") + "\n").as_bytes())
    };
    let (t, u) = (
        "client:kim read table:postgres-stderr:pg.log/shop/s.t 1",
        "client:kim read table:postgres-stderr:pg.log/shop/s.u 1",
    );
    let both = vec![t.to_owned(), u.to_owned()];
    let use_of = |table: &str| {
        let at = whole.iter().position(|line| line.contains(&format!("\"s\",\"{table}\"")));
        at.expect("the table is used")
    };
    let (first, second) = (use_of("t"), use_of("u"));
    let count = whole.len();
    let expect = |told: (Option<i32>, Vec<String>, Vec<String>, String),
                  links: &[String],
                  gap: String,
                  merging: String| {
        assert_eq!(told, (Some(0), links.to_vec(), vec![gap], merging));
    };

    // Not compressed at all is fine: it is known by its content.
    assert_eq!(with(&|_| ()), (Some(0), both.clone(), Vec::new(), String::new()));
    expect(
        with(&|lines| lines[first] = "{\"use\":7".to_owned()),
        &both[1..],
        format!("x.zst:{} unparsed: rows that cannot be understood; the others were read (1)", first + 1),
        format!("whodepends: x.zst:{}: this is no JSON (column 8); nothing was written", first + 1),
    );
    expect(
        with(&|lines| lines.swap(first, second)),
        &both,
        format!(
            "x.zst:{} unparsed: rows out of order: no program of ours wrote this file as it is (1)",
            second + 1
        ),
        format!("whodepends: x.zst:{}: a row out of order; nothing was written", second + 1),
    );
    expect(
        with(&|lines| lines.truncate(count - 1)),
        &both,
        format!("x.zst:{count} truncated: the file ends early; what came before was read (1)"),
        format!("whodepends: x.zst:{count}: the file ends early; nothing was written"),
    );
    expect(
        with(&|lines| drop(lines.remove(second))),
        &both[..1],
        format!(
            "x.zst:{} truncated: it says that it has {} rows, and has {} (1)",
            count - 1,
            count - 2,
            count - 3
        ),
        format!(
            "whodepends: x.zst:{}: it says that it has {} rows, and has {}; nothing was written",
            count - 1,
            count - 2,
            count - 3
        ),
    );
    // Numbers that no clock and no log can give.
    for (from, to) in [
        ("\"first\":1793", "\"first\":9993793"),
        ("\"days\":[[20752,1,", "\"days\":[[20752,999999999999999999,"),
        ("[36001]", "[86400]"),
    ] {
        assert!(whole[first].contains(from), "{}", whole[first]);
        let told = with(&|lines| lines[first] = lines[first].replace(from, to));
        assert_eq!((told.1, told.2.len()), (both[1..].to_vec(), 1), "{to}");
    }
}

#[test]
fn a_torn_frame_and_a_newer_format_are_told() {
    let here = folder();
    write(here.path(), "a/pg.log", one("kim", "t"));
    let whole = collected(vec![here.path().join("a")], None);
    let (code, links, gaps, merging) = told(&whole[..whole.len() - 20]);
    assert_eq!((code, links), (Some(2), Vec::new()), "the one frame of rows is not whole");
    assert_eq!(gaps, ["x.zst:2 truncated: the file ends early; nothing of it was read (1)"]);
    assert_eq!(merging, "whodepends: x.zst:2: the file ends early; nothing was written");
    let mut flipped = whole.clone();
    let at = flipped.len() - 30;
    flipped[at] ^= 0x55;
    let (code, links, gaps, merging) = told(&flipped);
    assert_eq!((code, links), (Some(2), Vec::<String>::new()));
    assert_eq!(gaps, ["x.zst:2 unreadable: a frame is broken; nothing of it was read (1)"]);
    assert_eq!(merging, "whodepends: x.zst:2: a frame is broken; nothing was written");
    // What a file from anywhere says is not repeated to a terminal.
    let odd = unpacked(&whole).replacen("\"status\":\"read\"", "\"status\":\"\\u001b[2J\"", 1);
    let (code, _, gaps, merging) = told(odd.as_bytes());
    let column = odd.find("[2J\"").expect("it was put in") + 4;
    let why = format!(
        "its header cannot be understood: what stands there is none of this format (column {column})"
    );
    assert_eq!((code, gaps), (Some(2), vec![format!("x.zst unreadable: {why} (1)")]));
    assert_eq!(merging, format!("whodepends: x.zst: {why}"));
    let newer = unpacked(&whole).replacen("evidence\":1", "evidence\":2", 1);
    let why = "written by a newer whodepends (format 2, this one reads up to 1): update this one";
    let (code, _, gaps, merging) = told(newer.as_bytes());
    assert_eq!((code, gaps), (Some(2), vec![format!("x.zst unreadable: {why} (1)")]));
    assert_eq!(merging, format!("whodepends: x.zst: {why}"));
}

#[test]
fn what_grows_beyond_all_bounds_is_not_read_to_its_end() {
    let mut packed = collected(vec![root().join("fixtures/library/world/logs/roomdb1")], None);
    let bomb = zstd::encode_all(std::io::repeat(b' ').take(200 << 20), 3).expect("it can be compressed");
    packed.extend(bomb);
    let (_, links, gaps, merging) = told(&packed);
    assert!(!links.is_empty(), "what came before was read");
    let limits: Vec<&String> = gaps.iter().filter(|gap| gap.starts_with("x.zst")).collect();
    assert_eq!(
        limits,
        ["x.zst:26 limit: MAX_EXPANSION: not read beyond 67108864 bytes; what came before was read (1)"]
    );
    assert!(merging.contains("something follows the last row"), "{merging}");
    let header = lines().swap_remove(0) + "\n";
    let long = header.as_bytes().chain(std::io::repeat(b'7').take(file::MAX_ROW_BYTES as u64 + 9));
    let kept = file::read(&Text::from("x"), long, &|_| ()).unwrap_or_else(|why| panic!("{why}"));
    let details: Vec<&str> = kept.gaps.iter().map(|gap| &*gap.detail).collect();
    assert_eq!(details, ["MAX_ROW_BYTES: a longer row is not read; nothing of it was read"]);
}

#[test]
fn shapes_that_fold_after_merging_are_those_that_fold_at_once() {
    let here = folder();
    // Of 700 shapes in each of two files of one log, 300 are in both.
    let statements = |from: u32| (from..from + 700).map(move |n| (n, format!("SELECT c{n} FROM s.t")));
    write(here.path(), "a/postgresql-2026-10-26.log", log("kim", statements(0)));
    write(here.path(), "b/postgresql-2026-10-27.log", log("kim", statements(400)).replace("10-26", "10-27"));
    write(here.path(), "all/postgresql-2026-10-26.log", log("kim", statements(0)));
    write(
        here.path(),
        "all/postgresql-2026-10-27.log",
        log("kim", statements(400)).replace("10-26", "10-27"),
    );
    let [a, b, all] = ["a", "b", "all"].map(|name| collected(vec![here.path().join(name)], None));
    let shapes =
        |bytes: &[u8]| unpacked(bytes).lines().filter(|line| line.contains("\"action\":\"read\"")).count();
    assert_eq!([&a, &b, &all].map(|bytes| shapes(bytes)), [SHAPES_KEPT + 1; 3]);
    // Of a stream that is torn apart only the vantage differs: it has a span for each file.
    let rows = |bytes: &[u8]| -> Vec<String> {
        let text = unpacked(bytes);
        text.lines().filter(|line| !line.starts_with("{\"vantage\"")).map(str::to_owned).collect()
    };
    assert_eq!(rows(&merged(&[a.clone(), b.clone()])), rows(&all));
    assert!(merged(&[a.clone(), b.clone()]) == merged(&[b, a]));
}
