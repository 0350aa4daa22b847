//! The thin binary.
fn main() {
    use std::io::BufRead;
    for l in std::io::stdin().lock().lines() { println!("{}", whodepends::inspect::schedule::answer(&l.unwrap())); }
}
