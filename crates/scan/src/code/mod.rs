//! Source code: six languages lowered into one shape of imports, calls and assignments, names resolved within a file.

mod compose;
pub(crate) mod detect;
mod evaluate;
mod gather;
mod http;
mod ids;
mod known;
mod mcp;
pub(crate) mod names;
pub(crate) mod notebook;

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser};

use crate::node::{Node, Place};

/// A programming language that is read deeply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Language {
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    CSharp,
    Java,
    Go,
    Rust,
}

/// What a file of source code says.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Modules that it imports, as it writes them; in languages that import names, the names too (`module.name`).
    pub(crate) imports: Vec<Import>,
    /// Modules all of whose names are imported.
    pub(crate) wildcards: Vec<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) assigns: Vec<Assign>,
    /// Stretches that are tests although the file is not.
    pub(crate) tests: Vec<Place>,
    /// Why not everything was read.
    pub(crate) incomplete: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Import {
    pub(crate) module: String,
    pub(crate) at: Place,
}

/// A call, the making of an object, or a literal of a named type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// What is called, names resolved: `openai.OpenAI().chat.completions.create`.
    pub(crate) callee: String,
    /// The arguments: named ones by name, others by position from `0`.
    pub(crate) args: Node,
    /// The variable that holds the result.
    pub(crate) target: Option<String>,
    /// The call whose result it is called on.
    pub(crate) receiver: Option<usize>,
    /// What it stands in: decorators of the function around, calls that the function around is an argument of.
    pub(crate) within: Vec<String>,
    pub(crate) at: Place,
}

/// An assignment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assign {
    /// What is assigned to, names resolved.
    pub(crate) target: String,
    pub(crate) value: Node,
    pub(crate) at: Place,
}

/// How much of the parser's work a file may take, in hundreds of its steps: ten times what the largest file that is read
/// takes in code that people write. Work is counted, not time, so that a busy machine says the same.
const MAX_PARSER_WORK: u32 = 300_000;

// === impl Language ===

impl Language {
    /// By the file's ending.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let (_, ending) = path.rsplit_once('.')?;
        Some(match ending {
            "py" | "pyw" => Self::Python,
            "js" | "jsx" | "mjs" | "cjs" => Self::JavaScript,
            "ts" | "mts" | "cts" => Self::TypeScript,
            "tsx" => Self::Tsx,
            "cs" => Self::CSharp,
            "java" => Self::Java,
            "go" => Self::Go,
            "rs" => Self::Rust,
            _ => return None,
        })
    }

    /// The word that catalogue and rules use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript | Self::TypeScript | Self::Tsx => "javascript",
            Self::CSharp => "csharp",
            Self::Java => "java",
            Self::Go => "go",
            Self::Rust => "rust",
        }
    }

    fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::Python => tree_sitter_python::LANGUAGE.into(),
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Self::CSharp => tree_sitter_c_sharp::LANGUAGE.into(),
            Self::Java => tree_sitter_java::LANGUAGE.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
        }
    }
}

/// Reads a file.
pub(crate) fn read(language: Language, text: &str) -> Facts {
    let mut parser = Parser::new();
    if parser.set_language(&language.grammar()).is_err() {
        return Facts { incomplete: Some("no_parser"), ..Facts::default() };
    }
    let mut work = 0_u32;
    let mut patience = |_: &tree_sitter::ParseState| {
        work = work.saturating_add(1);
        if work > MAX_PARSER_WORK { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut patience);
    let bytes = text.as_bytes();
    let mut source = |at: usize, _| bytes.get(at..).unwrap_or_default();
    let Some(tree) = parser.parse_with_options(&mut source, None, Some(options)) else {
        return Facts { incomplete: Some("too_complex"), ..Facts::default() };
    };
    let gathered = gather::gather(language, text, tree.root_node());
    evaluate::evaluate(gathered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callees(language: Language, text: &str) -> Vec<String> {
        read(language, text).calls.into_iter().map(|call| call.callee).collect()
    }

    #[test]
    fn python_names_are_resolved() {
        let text = "import openai as oa\nfrom anthropic import Anthropic as A\nclass C:\n  def __init__(self):\n    self.c = A()\n  \
                    async def go(self):\n    m = await self.c.messages.create(model=M)\n    return eval(m.content[0].text)\nM = 'x'\noa.OpenAI()\n";
        let facts = read(Language::Python, text);
        let callees: Vec<_> = facts.calls.iter().map(|call| call.callee.as_str()).collect();
        assert_eq!(
            callees,
            ["anthropic.Anthropic", "anthropic.Anthropic().messages.create", "eval", "openai.OpenAI"]
        );
        assert_eq!(facts.calls[1].args.text_of("model"), Some("x"));
        assert!(matches!(&facts.calls[2].args.get("0").unwrap().data,
            crate::node::Data::Expression { path, .. } if path == "anthropic.Anthropic().messages.create().content[].text"));
    }

    #[test]
    fn javascript_names_are_resolved() {
        let text = "import OpenAI from 'openai';\nconst { ChatX: Y } = require('@l/x');\nconst d = { model: 'm' };\n\
                    class W { c; constructor() { this.c = new OpenAI({ baseURL: process.env.B ?? 'u' }); }\n go() { return this.c.chat.create({ ...d, n: 1 }); } }\nnew Y();";
        let facts = read(Language::TypeScript, text);
        let callees: Vec<_> = facts.calls.iter().map(|call| call.callee.as_str()).collect();
        assert_eq!(callees, ["require", "openai.default", "openai.default().chat.create", "@l/x.ChatX"]);
        assert_eq!(facts.calls[1].args.get("baseURL").unwrap().constants()[0].0, "u");
        assert_eq!(facts.calls[2].args.text_of("model"), Some("m"));
    }

    #[test]
    fn other_languages_are_resolved() {
        let go = "package m\nimport (\n oai \"github.com/s/go-openai\"\n \"github.com/q/go-client/qdrant\"\n)\nconst model = \"g\"\nfunc f() {\n cfg := oai.DefaultConfig(\"k\")\n cfg.BaseURL = \"u\"\n c := oai.NewClientWithConfig(cfg)\n c.Create(oai.Req{Model: model})\n qdrant.NewClient(&qdrant.Config{Host: \"h\"})\n}\n";
        let facts = read(Language::Go, go);
        assert!(
            facts
                .calls
                .iter()
                .any(|c| c.callee == "github.com/s/go-openai.Req" && c.args.text_of("Model") == Some("g")),
            "{:?}",
            facts.calls
        );
        assert!(
            facts.assigns.iter().any(|a| a.target == "github.com/s/go-openai.DefaultConfig().BaseURL"),
            "{:?}",
            facts.assigns
        );
        let java = "import a.b.Model;\nclass X { static final String M = \"g\"; Object m = Model.builder().name(M).build(); }";
        assert_eq!(
            callees(Language::Java, java),
            ["a.b.Model.builder().name().build", "a.b.Model.builder().name", "a.b.Model.builder"]
        );
        let rust = "use a_b::{Client, x::Y as Z};\nconst M: &str = \"g\";\nfn f() { let c = Client::new().with(M); Z::default().model(M); }";
        let found = callees(Language::Rust, rust);
        assert!(
            found.contains(&"a_b.Client.new().with".to_owned())
                && found.contains(&"a_b.x.Y.default().model".to_owned()),
            "{found:?}"
        );
        let cs = "using OpenAI.Chat;\nclass X { const string D = \"g\"; ChatClient c; void F() { var k = new K(new Uri(\"https://u/\")); c = k.Get(D); Agent a = new() { Name = \"n\" }; } }";
        let facts = read(Language::CSharp, cs);
        assert_eq!(facts.wildcards, ["OpenAI.Chat"]);
        assert!(
            facts.calls.iter().any(|c| c.callee == "K().Get" && c.args.text_of("0") == Some("g")),
            "{:?}",
            facts.calls
        );
        assert!(
            facts.calls.iter().any(|c| c.callee == "Agent" && c.args.text_of("Name") == Some("n")),
            "{:?}",
            facts.calls
        );
    }
}
