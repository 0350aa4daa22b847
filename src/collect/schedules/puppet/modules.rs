//! Where a tree keeps its modules: manifests as autoload finds them, templates and files by the names that functions
//! and resources have for them (Puppet's "Module fundamentals"). It opens nothing that was not asked for.

use crate::input::{InputFile, Inputs};

/// Folders of an environment that hold modules, beside the usual one.
const FOLDERS: [&str; 10] = [
    "modules",
    "site",
    "site-modules",
    "dist",
    "vendor_modules",
    "vendor/modules",
    "3rdparty/modules",
    "thirdparty/modules",
    "legacy/modules",
    "forge-modules",
];

/// The modules that a manifest sees.
pub(super) struct Modules<'a> {
    inputs: &'a Inputs,
    folders: Vec<String>,
    /// The folder of the environment.
    root: String,
    /// The module the manifest is of; empty in none.
    pub own: String,
}

fn above(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(above, _)| above)
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

impl<'a> Modules<'a> {
    /// Those that the manifest in this file sees.
    pub fn around(file: &InputFile, inputs: &'a Inputs) -> Modules<'a> {
        let path = &*file.path;
        let module = match path.find("/manifests/") {
            Some(end) => &path[..end],
            None => "",
        };
        let beside = above(module);
        let mut folders = vec![beside.to_owned()];
        // The module may lie in `modules`, in `vendor/modules`, or be the environment itself.
        for root in [above(beside), above(above(beside)), module] {
            folders.extend(FOLDERS.iter().map(|name| below(root, name)));
        }
        let mut root = above(beside);
        if FOLDERS.iter().any(|name| name.contains('/') && beside.ends_with(name)) {
            root = above(root);
        }
        let own = module.rsplit('/').next().unwrap_or("").to_owned();
        Modules { inputs, folders, root: root.to_owned(), own }
    }

    /// All files of the environment.
    pub fn environment(&self) -> impl Iterator<Item = &'a InputFile> {
        let root = if self.root.is_empty() { String::new() } else { format!("{}/", self.root) };
        self.inputs.files.iter().filter(move |file| file.path.starts_with(&*root))
    }

    /// A path within its environment.
    pub fn within<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(&*self.root).unwrap_or(path).trim_start_matches('/')
    }

    fn file(&self, module: &str, rest: &str) -> Option<&'a InputFile> {
        let files = &self.inputs.files;
        self.folders.iter().find_map(|folder| {
            let path = below(folder, &format!("{module}/{rest}"));
            files.binary_search_by(|file| (*file.path).cmp(&path)).ok().map(|at| &files[at])
        })
    }

    /// The manifest of `a::b::c`, which is `a/manifests/b/c.pp`; of `a` it is `a/manifests/init.pp`.
    pub fn manifest(&self, name: &str) -> Option<&'a InputFile> {
        let (module, rest) = name.split_once("::").unwrap_or((name, "init"));
        self.file(module, &format!("manifests/{}.pp", rest.replace("::", "/")))
    }

    /// The file of a template that is called `module/name`.
    pub fn template_file(&self, name: &str) -> Option<&'a InputFile> {
        let (module, rest) = name.split_once('/')?;
        self.file(module, &format!("templates/{rest}"))
    }

    /// The text of a template that is called `module/name`.
    pub fn template(&self, name: &str) -> Option<String> {
        self.template_file(name)?.text().ok()
    }

    /// The text of `puppet:///modules/module/name`.
    pub fn source(&self, source: &str) -> Option<String> {
        let (module, rest) = source.strip_prefix("puppet:///modules/")?.split_once('/')?;
        self.file(module, &format!("files/{rest}"))?.text().ok()
    }
}
