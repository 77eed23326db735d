//! Servers of tools that source code starts or asks, as a client of the Model Context Protocol.

use std::collections::BTreeSet;

use super::{Call, Facts, Language};
use crate::asset::Kind;
use crate::catalog::Catalog;
use crate::glob::matches;
use crate::mcp;
use crate::node::{Data, Entry, Node, Place};
use crate::subject::Read;

/// How deep tables of servers are looked for in a call's arguments.
const DEEPEST: usize = 4;

/// Names of tables of servers.
const TABLES: [&str; 4] = ["mcp_servers", "mcpServers", "McpServers", "mcp_server_params"];

/// Notes the servers that calls start or ask.
pub(super) fn clients(catalog: &Catalog, language: Language, facts: &Facts, read: &mut Read) {
    let mut seen: BTreeSet<Place> = BTreeSet::new();
    for call in &facts.calls {
        let simple = call.callee.rsplit("().").next().unwrap_or(&call.callee);
        let fits = |symbols: &[String]| {
            symbols.iter().any(|symbol| {
                matches(symbol, &call.callee) || (language == Language::CSharp && matches(symbol, simple))
            })
        };
        if fits(&catalog.source.mcp.clients) {
            if let Some(node) = described(call) {
                let named = ["name", "Name"].iter().find_map(|key| call.args.text_of(key)).map(str::to_owned);
                note(named.or_else(|| mcp::name_of(&node)), &node, call.at, &mut seen, read);
            }
        } else if fits(&catalog.source.mcp.tables) {
            for entry in call.args.entries() {
                tables(&entry.value, true, 0, &mut seen, read);
            }
        }
        for entry in call.args.entries() {
            let named = TABLES.contains(&entry.key.as_str());
            tables(&entry.value, named, 0, &mut seen, read);
        }
    }
}

fn note(name: Option<String>, node: &Node, at: Place, seen: &mut BTreeSet<Place>, read: &mut Read) {
    let known = |name: &String| {
        read.sightings.iter().any(|s| s.kind == Kind::McpServer && s.name == *name && s.start == at.start)
    };
    if let Some(name) = name.filter(|name| !name.is_empty() && name.len() <= 200 && !known(name))
        && seen.insert(at)
    {
        mcp::server(&name, node, at, "client", read);
    }
}

/// What a call says of its server: by name, in a table of its own, or by position.
fn described(call: &Call) -> Option<Node> {
    if mcp::is_server(&call.args) {
        return Some(call.args.clone());
    }
    let inner = ["params", "server_params", "transport", "tool_config", "options"];
    if let Some(node) = inner.iter().find_map(|key| call.args.get(key).filter(|node| mcp::is_server(node))) {
        return Some(node.clone());
    }
    let first = call.args.get("0").or_else(|| call.args.get("server_url"))?;
    let (text, at) = first.constants().first().map(|(text, at)| ((*text).to_owned(), *at))?;
    let key = if text.contains("://") { "url" } else { "command" };
    let direct = matches!(first.data, Data::Text(_) | Data::Environment { .. });
    if key == "command" && !direct {
        return None;
    }
    let mut entries = vec![Entry { key: key.to_owned(), at, value: Node::new(at, Data::Text(text)) }];
    entries.extend(call.args.get("args").or_else(|| call.args.get("1")).map(|arguments| Entry {
        key: "args".to_owned(),
        at: arguments.at,
        value: arguments.clone(),
    }));
    Some(Node::new(call.at, Data::Map(entries)))
}

/// Tables of servers by name, and lists of servers that say their name.
fn tables(node: &Node, named: bool, depth: usize, seen: &mut BTreeSet<Place>, read: &mut Read) {
    if depth > DEEPEST {
        return;
    }
    let deeper = depth.saturating_add(1);
    for entry in node.entries() {
        if named && mcp::is_server(&entry.value) {
            note(Some(entry.key.clone()), &entry.value, entry.at, seen, read);
        } else {
            tables(&entry.value, TABLES.contains(&entry.key.as_str()), deeper, seen, read);
        }
    }
    for item in node.items() {
        let hosted = item.text_of("type").is_some_and(|kind| matches!(kind, "mcp" | "url"));
        let label = ["server_label", "name"].iter().find_map(|key| item.text_of(key));
        if let Some(label) = label.filter(|_| mcp::is_server(item) && (hosted || named)) {
            note(Some(label.to_owned()), item, item.at, seen, read);
        } else {
            tables(item, named, deeper, seen, read);
        }
    }
}
