//! What AI assets are called: read once from `catalog/catalog.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::asset::Kind;
use crate::code::Language;
use crate::glob::matches;

pub(crate) const TEXT: &str = include_str!("catalog/catalog.toml");

/// The catalogue, ready to be asked.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) source: Source,
    /// Modules by ecosystem and first byte, longest first, with the package that brings them.
    modules: BTreeMap<(&'static str, u8), Vec<(String, String)>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    packages: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    speaks: Speaks,
    #[serde(default)]
    pub(crate) service: Vec<Service>,
    pub(crate) client: Vec<Client>,
    pub(crate) call: Vec<Named>,
    pub(crate) agent: AgentCalls,
    pub(crate) prompt: Symbols,
    pub(crate) mcp: McpCalls,
    vector_store: BTreeMap<String, Vec<String>>,
    guardrail: BTreeMap<String, Vec<String>>,
    images: Images,
    pub(crate) resource: Vec<ResourceKind>,
    pub(crate) environment: Environment,
    pub(crate) module: Vec<Module>,
}

/// A module of a public registry that makes one resource.
#[derive(Debug, Deserialize)]
pub(crate) struct Module {
    /// What its path contains.
    pub(crate) path: String,
    /// The resource's type.
    pub(crate) kind: String,
}

#[derive(Debug, Deserialize)]
struct Speaks {
    packages: Vec<String>,
    not: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Service {
    pub(crate) package: String,
    pub(crate) symbols: Vec<String>,
    pub(crate) argument: Vec<String>,
    pub(crate) services: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Client {
    symbols: Vec<String>,
    #[serde(default)]
    languages: Vec<String>,
    /// Only objects that are made: a module's default export is also called as a function by others.
    #[serde(default)]
    pub(crate) only_new: bool,
    pub(crate) endpoint: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) kind: Kind,
    pub(crate) symbols: Vec<String>,
    pub(crate) argument: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AgentCalls {
    pub(crate) symbols: Vec<String>,
    /// Those whose first argument is the name.
    pub(crate) positional: Vec<String>,
    pub(crate) names: Vec<String>,
}

/// Calls of clients of the Model Context Protocol.
#[derive(Debug, Deserialize)]
pub(crate) struct McpCalls {
    /// Those that start or ask one server.
    pub(crate) clients: Vec<String>,
    /// Those that are given a table of servers.
    pub(crate) tables: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Symbols {
    pub(crate) symbols: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Images {
    inference_server: BTreeMap<String, Vec<String>>,
    vector_store: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ResourceKind {
    pub(crate) types: Vec<String>,
    pub(crate) kind: Kind,
    pub(crate) name: Vec<crate::node::Path>,
    #[serde(default)]
    pub(crate) fixed: Option<String>,
    #[serde(default)]
    pub(crate) endpoint: Option<String>,
    #[serde(default)]
    pub(crate) when: Option<When>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct When {
    pub(crate) path: crate::node::Path,
    pub(crate) values: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Environment {
    pub(crate) endpoints: Vec<String>,
}

impl Catalog {
    /// Reads the catalogue that is built in.
    ///
    /// # Errors
    /// When it is not of its form, which the tests rule out.
    pub(crate) fn new() -> Result<Self, toml::de::Error> {
        let source: Source = toml::from_str(TEXT)?;
        let mut modules: BTreeMap<(&'static str, u8), Vec<(String, String)>> = BTreeMap::new();
        for ecosystem in ["pypi", "npm", "nuget", "maven", "go", "cargo"] {
            let packages = source.packages.get(ecosystem).into_iter().flatten();
            let mut all: Vec<(String, String)> = packages
                .flat_map(|(package, names)| {
                    names.iter().map(move |module| (module.clone(), package.clone()))
                })
                .collect();
            all.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
            for (module, package) in all {
                let first = module.bytes().next().unwrap_or(b'*');
                modules.entry((ecosystem, first)).or_default().push((module, package));
            }
        }
        Ok(Self { source, modules })
    }

    /// The package that a resolved name of a language comes from.
    pub(crate) fn package(&self, language: Language, path: &str) -> Option<String> {
        let ecosystem = ecosystem(language);
        let first = path.bytes().next()?;
        for (module, package) in self.modules.get(&(ecosystem, first)).into_iter().flatten() {
            if let Some(stem) = module.strip_suffix('*') {
                let Some(rest) = path.strip_prefix(stem) else { continue };
                let part: &str = rest.split(['.', '/', '(', '[']).next().unwrap_or_default();
                if !part.is_empty() {
                    let name = package.replace('*', part);
                    return Some(if ecosystem == "pypi" { name.replace('_', "-") } else { name });
                }
            } else if let Some(rest) = path.strip_prefix(module.as_str())
                && rest.bytes().next().is_none_or(|b| matches!(b, b'.' | b'/' | b'(' | b'['))
            {
                return Some(package.clone());
            }
        }
        None
    }

    /// Whether a declared package is one of AI.
    pub(crate) fn declares(&self, ecosystem: &str, name: &str) -> bool {
        let packages = self.source.packages.get(ecosystem);
        packages.is_some_and(|packages| {
            packages.contains_key(name)
                || packages.keys().any(|known| known.contains('*') && matches(known, name))
        })
    }

    /// Whether a package asks models over a network.
    pub(crate) fn speaks(&self, ecosystem: &str, package: &str) -> bool {
        let full = format!("{ecosystem}:{package}");
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, &full));
        any(&self.source.speaks.packages) && !any(&self.source.speaks.not)
    }

    /// What a package is besides a library.
    pub(crate) fn products(&self, ecosystem: &str, package: &str) -> Vec<(Kind, &str)> {
        let full = format!("{ecosystem}:{package}");
        self.role(|pattern| matches(pattern, &full))
    }

    /// What a module is besides a part of a library.
    pub(crate) fn module_products(&self, module: &str) -> Vec<(Kind, &str)> {
        self.role(|pattern| {
            pattern
                .strip_prefix("module:")
                .is_some_and(|wanted| module == wanted || module.starts_with(&format!("{wanted}.")))
        })
    }

    fn role(&self, fits: impl Fn(&str) -> bool) -> Vec<(Kind, &str)> {
        let stores = self.source.vector_store.iter().map(|entry| (Kind::VectorStore, entry));
        let guards = self.source.guardrail.iter().map(|entry| (Kind::Guardrail, entry));
        stores
            .chain(guards)
            .filter(|(_, (_, patterns))| patterns.iter().any(|pattern| fits(pattern)))
            .map(|(kind, (product, _))| (kind, product.as_str()))
            .collect()
    }

    /// What a container image runs; tag and digest do not matter.
    pub(crate) fn image(&self, image: &str) -> Option<(Kind, &str)> {
        let image = image.split('@').next().unwrap_or(image);
        let repository = match image.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => repository,
            _ => image,
        };
        let find = |products: &'_ BTreeMap<String, Vec<String>>| {
            products
                .iter()
                .find(|(_, patterns)| patterns.iter().any(|pattern| matches(pattern, repository)))
                .map(|(name, _)| name.clone())
        };
        for (kind, products) in [
            (Kind::InferenceServer, &self.source.images.inference_server),
            (Kind::VectorStore, &self.source.images.vector_store),
        ] {
            if let Some(name) = find(products) {
                return products.get_key_value(&name).map(|(name, _)| (kind, name.as_str()));
            }
        }
        None
    }

    /// What a chart of a name installs.
    pub(crate) fn product(&self, name: &str) -> Option<(Kind, &str)> {
        let find = |products: &'_ BTreeMap<String, Vec<String>>| {
            let bare = |product: &str| name == product || name.starts_with(&format!("{product}-"));
            products.keys().find(|product| bare(product)).cloned()
        };
        for (kind, products) in [
            (Kind::InferenceServer, &self.source.images.inference_server),
            (Kind::VectorStore, &self.source.images.vector_store),
        ] {
            if let Some(name) = find(products) {
                return products.get_key_value(&name).map(|(name, _)| (kind, name.as_str()));
            }
        }
        None
    }

    /// Words one of which a source file has that says anything to the catalogue.
    pub(crate) fn keywords(&self) -> Vec<String> {
        let mut words: Vec<String> = self
            .modules
            .values()
            .flatten()
            .map(|(module, _)| module.trim_end_matches('*').trim_end_matches(['_', '/', '.']).to_owned())
            .collect();
        words.sort();
        words.dedup();
        words
    }
}

impl Client {
    /// Whether a call makes such a client.
    pub(crate) fn fits(&self, language: Language, callee: &str) -> bool {
        (self.languages.is_empty() || self.languages.iter().any(|known| known == language.as_str()))
            && self.symbols.iter().any(|symbol| matches(symbol, callee))
    }
}

/// The ecosystem that a language takes its packages from.
pub(crate) const fn ecosystem(language: Language) -> &'static str {
    match language {
        Language::Python => "pypi",
        Language::JavaScript | Language::TypeScript | Language::Tsx => "npm",
        Language::CSharp => "nuget",
        Language::Java => "maven",
        Language::Go => "go",
        Language::Rust => "cargo",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_packages() {
        let catalog = Catalog::new().unwrap();
        for (language, path, package) in [
            (Language::Python, "openai.OpenAI", Some("openai")),
            (Language::Python, "openai_utils.x", None),
            (Language::Python, "langchain_openai.ChatOpenAI", Some("langchain-openai")),
            (Language::Python, ".openai.x", None),
            (
                Language::TypeScript,
                "@langchain/langgraph/prebuilt.createReactAgent",
                Some("@langchain/langgraph"),
            ),
            (Language::Java, "dev.langchain4j.model.openai.X", Some("dev.langchain4j:langchain4j-open-ai")),
            (Language::Go, "github.com/tmc/langchaingo/llms.X", Some("github.com/tmc/langchaingo")),
        ] {
            assert_eq!(catalog.package(language, path).as_deref(), package, "{path}");
        }
        assert_eq!(
            catalog.image("ghcr.io/x/vllm/vllm-openai:v1@sha256:0"),
            Some((Kind::InferenceServer, "vllm"))
        );
        assert!(catalog.speaks("pypi", "openai") && !catalog.speaks("pypi", "chromadb"));
    }
}
