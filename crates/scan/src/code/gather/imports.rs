//! Imports of seven languages.

use super::{Bound, Gathered, Import, Place, Syntax, children, field, place};

impl<'t> Gathered<'t> {
    pub(super) fn import(&mut self, module: &str, node: Syntax<'t>) {
        self.imports.push(Import { module: module.to_owned(), at: place(node) });
    }

    pub(super) fn python_import(&mut self, node: Syntax<'t>, scope: Place) {
        for part in children(node) {
            let (name, alias) = match part.kind() {
                "aliased_import" => (field(part, "name"), field(part, "alias")),
                "dotted_name" => (Some(part), None),
                _ => continue,
            };
            let Some(name) = name else { continue };
            let module = self.text_of(name);
            self.import(module, part);
            let local =
                alias.map_or_else(|| module.split('.').next().unwrap_or(module), |alias| self.text_of(alias));
            let path = if alias.is_some() { module } else { local };
            self.bind(local, scope, part.end_byte(), Place::default(), Bound::Import(path.to_owned()));
        }
    }

    pub(super) fn python_from(&mut self, node: Syntax<'t>, scope: Place) {
        let Some(module_node) = field(node, "module_name") else { return };
        let module = self.text_of(module_node);
        for part in children(node).into_iter().filter(|part| *part != module_node) {
            let (name, alias) = match part.kind() {
                "wildcard_import" => {
                    self.import(module, node);
                    self.wildcards.push(module.to_owned());
                    continue;
                }
                "aliased_import" => (field(part, "name"), field(part, "alias")),
                "dotted_name" => (Some(part), None),
                _ => continue,
            };
            let Some(name) = name else { continue };
            let full = format!("{module}.{}", self.text_of(name));
            self.import(&full, part);
            let local = self.text_of(alias.unwrap_or(name));
            self.bind(local, scope, part.end_byte(), Place::default(), Bound::Import(full));
        }
    }

    pub(super) fn javascript_import(&mut self, node: Syntax<'t>) {
        let all = Place::new(0, self.text.len());
        let Some(source) = field(node, "source") else { return };
        let module = self.text_of(source).trim_matches(['"', '\'', '`']);
        self.import(module, node);
        let Some(clause) = children(node).into_iter().find(|child| child.kind() == "import_clause") else {
            return;
        };
        for part in children(clause) {
            match part.kind() {
                "identifier" => {
                    let to = Bound::Import(format!("{module}.default"));
                    self.bind(self.text_of(part), all, 0, Place::default(), to);
                }
                "namespace_import" => {
                    for name in children(part) {
                        self.bind(
                            self.text_of(name),
                            all,
                            0,
                            Place::default(),
                            Bound::Import(module.to_owned()),
                        );
                    }
                }
                "named_imports" => {
                    for specifier in children(part) {
                        let Some(name) = field(specifier, "name") else { continue };
                        let local = self.text_of(field(specifier, "alias").unwrap_or(name));
                        let to = Bound::Import(format!("{module}.{}", self.text_of(name)));
                        self.bind(local, all, 0, Place::default(), to);
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn csharp_using(&mut self, node: Syntax<'t>) {
        let all = Place::new(0, self.text.len());
        let alias = field(node, "name");
        let Some(name) = children(node).into_iter().rfind(|child| Some(*child) != alias) else { return };
        let module = self.text_of(name);
        self.import(module, node);
        match alias {
            Some(alias) => {
                self.bind(self.text_of(alias), all, 0, Place::default(), Bound::Import(module.to_owned()))
            }
            None => self.wildcards.push(module.to_owned()),
        }
    }

    pub(super) fn java_import(&mut self, node: Syntax<'t>) {
        let all = Place::new(0, self.text.len());
        let parts = children(node);
        let Some(name) = parts.first() else { return };
        let path = self.text_of(*name);
        if parts.iter().any(|part| part.kind() == "asterisk") {
            self.import(path, node);
            self.wildcards.push(path.to_owned());
        } else {
            self.import(path, node);
            let local = path.rsplit('.').next().unwrap_or(path);
            self.bind(local, all, 0, Place::default(), Bound::Import(path.to_owned()));
        }
    }

    pub(super) fn go_import(&mut self, node: Syntax<'t>) {
        let all = Place::new(0, self.text.len());
        let Some(path) = field(node, "path") else { return };
        let module = self.text_of(path).trim_matches(['"', '`']);
        self.import(module, node);
        let bound = || Bound::Import(module.to_owned());
        match field(node, "name") {
            Some(name) if self.text_of(name) == "." => self.wildcards.push(module.to_owned()),
            Some(name) => self.bind(self.text_of(name), all, 0, Place::default(), bound()),
            None => {
                // The package's own name is not in the path; these are what people do.
                let mut segments = module.rsplit('/');
                let mut last = segments.next().unwrap_or(module);
                if last
                    .strip_prefix('v')
                    .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()) && !rest.is_empty())
                {
                    last = segments.next().unwrap_or(last);
                }
                let last = last.split(".v").next().unwrap_or(last);
                let bare = last.strip_prefix("go-").unwrap_or(last);
                let bare = bare.strip_suffix("-go").unwrap_or(bare);
                let joined = last.replace('-', "");
                let underscored = last.replace('-', "_");
                for name in [last, bare, &joined, &underscored] {
                    if !self.bindings.contains_key(name) {
                        self.bind(name, all, 0, Place::default(), bound());
                    }
                }
            }
        }
    }

    pub(super) fn rust_use(&mut self, node: Syntax<'t>, prefix: String, scope: Place, depth: usize) {
        if depth > 16 {
            return;
        }
        let join = |tail: &str| {
            let tail = tail.replace("::", ".");
            if prefix.is_empty() { tail } else { format!("{prefix}.{tail}") }
        };
        let deeper = depth.saturating_add(1);
        match node.kind() {
            "use_list" => children(node)
                .into_iter()
                .for_each(|child| self.rust_use(child, prefix.clone(), scope, deeper)),
            "scoped_use_list" => {
                let path =
                    field(node, "path").map_or_else(|| prefix.clone(), |path| join(self.text_of(path)));
                if let Some(list) = field(node, "list") {
                    self.rust_use(list, path, scope, deeper);
                }
            }
            "use_as_clause" => {
                if let (Some(path), Some(alias)) = (field(node, "path"), field(node, "alias")) {
                    let full = join(self.text_of(path));
                    self.import(&full, node);
                    self.bind(self.text_of(alias), scope, 0, Place::default(), Bound::Import(full));
                }
            }
            "use_wildcard" => {
                if let Some(path) = children(node).first() {
                    let full = join(self.text_of(*path));
                    self.import(&full, node);
                    self.wildcards.push(full);
                }
            }
            "self" => {
                self.import(&prefix, node);
                let local = prefix.rsplit('.').next().unwrap_or(&prefix).to_owned();
                self.bind(&local, scope, 0, Place::default(), Bound::Import(prefix));
            }
            _ => {
                let full = join(self.text_of(node));
                self.import(&full, node);
                let local = full.rsplit('.').next().unwrap_or(&full).to_owned();
                self.bind(&local, scope, 0, Place::default(), Bound::Import(full));
            }
        }
    }
}
