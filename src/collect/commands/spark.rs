//! `spark-submit` and `spark-sql` (Apache Spark documentation, "Submitting Applications"): a Python application is a script
//! that is run. What a jar does, nobody can read here.

use super::options::Options;
use super::{Call, Commands, Out};

/// spark-submit.
pub struct Submit;

/// Its options that take a value, from its `--help`.
const LONGS: [&str; 29] = [
    "master",
    "deploy-mode",
    "class",
    "name",
    "jars",
    "packages",
    "exclude-packages",
    "repositories",
    "py-files",
    "files",
    "archives",
    "conf",
    "properties-file",
    "driver-memory",
    "driver-java-options",
    "driver-library-path",
    "driver-class-path",
    "driver-cores",
    "executor-memory",
    "executor-cores",
    "total-executor-cores",
    "num-executors",
    "proxy-user",
    "principal",
    "keytab",
    "queue",
    "status",
    "kill",
    "remote",
];

impl Commands for Submit {
    fn names(&self) -> &'static [&'static str] {
        &["spark-submit", "spark2-submit", "spark3-submit"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "", &LONGS);
        let application = options.plain.first().map(String::as_str);
        match application {
            Some(path) if path.contains("{}") => {
                out.unresolved(call, "an application of Spark that is only known when it runs");
            }
            Some(path) if path.ends_with(".py") && !path.contains("://") => {
                out.runs(call, path, super::postgres::environment(call));
            }
            Some(path) => {
                let detail = "an application of Spark, whose code is not in the scan";
                if path.contains("://") || path.ends_with(".jar") {
                    out.unresolved(call, detail);
                }
            }
            None => {}
        }
    }
}
