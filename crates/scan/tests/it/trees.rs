//! Whole trees.

use std::fs;
use std::path::Path;

use stockade_rulebook::Rulebook;
use stockade_scan::{Kind, Options, Report, Scanner, Scope, Seen};
use tempfile::TempDir;

fn scanner() -> Scanner {
    Scanner::new(&Rulebook::new(stockade_rules::FILES)).unwrap()
}

fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn scan(root: &Path) -> Report {
    scanner().scan(root, &Options::default()).unwrap()
}

fn has(report: &Report, kind: Kind, name: &str) -> bool {
    report.assets.iter().any(|asset| asset.kind == kind && asset.name == name)
}

const APP: &str = "from openai import OpenAI\nc = OpenAI(base_url='https://x.example/v1')\nc.chat.completions.create(model='gpt-4o')\n";

#[test]
fn one_entity_has_many_occurrences() {
    let root = tree(&[("a.py", APP), ("b.py", APP), ("requirements.txt", "openai==1.0\n")]);
    let report = scan(root.path());
    let sdk = report.assets.iter().find(|asset| asset.kind == Kind::Sdk).unwrap();
    assert_eq!((sdk.name.as_str(), sdk.occurrences.len()), ("openai", 3));
    assert_eq!(
        (sdk.facts["used"].as_str(), sdk.facts["declared"].as_str(), sdk.facts["version"].as_str()),
        ("true", "true", "1.0")
    );
    assert!(has(&report, Kind::ModelEndpoint, "https://x.example/v1") && has(&report, Kind::Model, "gpt-4o"));
    let model = report.assets.iter().find(|asset| asset.kind == Kind::Model).unwrap();
    let first = &model.occurrences[0];
    assert_eq!((first.line, &APP[first.start..first.end]), (3, "'gpt-4o'"));
}

#[test]
fn the_same_tree_gives_the_same_report() {
    let root = tree(&[
        ("a.py", APP),
        ("t/test_b.py", APP),
        (".mcp.json", "{\"mcpServers\": {\"x\": {\"command\": \"npx\", \"args\": [\"y\"]}}}"),
    ]);
    let scanner = scanner();
    let one = scanner.scan(root.path(), &Options { threads: 1, ..Options::default() }).unwrap();
    let many = scanner.scan(root.path(), &Options { threads: 8, ..Options::default() }).unwrap();
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&many).unwrap());
}

#[test]
fn ignored_files_and_links_are_not_followed() {
    let outside = tree(&[("secret.py", APP)]);
    let root = tree(&[(".gitignore", "skip/\n"), ("skip/a.py", APP)]);
    std::os::unix::fs::symlink(outside.path().join("secret.py"), root.path().join("link.py")).unwrap();
    std::os::unix::fs::symlink(outside.path(), root.path().join("dir")).unwrap();
    let report = scan(root.path());
    assert!(report.assets.is_empty(), "{:?}", report.assets);
    assert_eq!(report.coverage.skipped.len(), 2);
}

#[test]
fn what_cannot_be_read_is_told() {
    let root = tree(&[("a.tf", "resource \"x\" \"y\" {\n"), ("b.ipynb", "{"), ("c.yaml", "services: [\n")]);
    fs::write(root.path().join("d.py"), b"x\0y").unwrap();
    let report = scan(root.path());
    let paths: Vec<_> = report.coverage.incomplete.iter().map(|lack| lack.path.as_str()).collect();
    // A notebook without a word of interest is not parsed.
    assert_eq!(paths, ["a.tf", "c.yaml", "d.py"]);
}

#[test]
fn tests_and_vendored_code_count_less() {
    let root = tree(&[("tests/test_a.py", "import pickle\npickle.load(f)\n"), ("vendor/a.py", APP)]);
    let report = scan(root.path());
    assert!(report.assets.iter().all(|asset| asset.scope != Scope::Product));
    assert!(
        report.findings.iter().all(|finding| finding.severity <= stockade_domain::Severity::Low),
        "{:?}",
        report.findings
    );
}

#[test]
fn findings_are_put_aside_with_reasons_only() {
    let line = "pickle.load(open('x', 'rb'))";
    let text = format!("import pickle\n{line}  # stockade:ignore pickle-load: written by us\n{line}\n");
    let accept = "[workload]\nname = \"shop\"\n[[accept]]\nrule = \"joblib-load\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2030-01-01\"\n";
    let root =
        tree(&[("a.py", &text), ("b.py", "import joblib\njoblib.load('x')\n"), ("stockade.toml", accept)]);
    let scanner = scanner();
    let at = |today: &str| {
        scanner.scan(root.path(), &Options { today: Some(today.to_owned()), ..Options::default() }).unwrap()
    };
    let report = at("2029-12-31");
    assert_eq!(
        (report.workload.as_str(), report.workload_from.as_str(), report.summary.suppressed),
        ("shop", "stockade.toml", 2)
    );
    assert_eq!(at("2030-01-02").summary.suppressed, 1);
    let baseline = report.findings.iter().map(|finding| finding.fingerprint.clone()).collect();
    let again = scanner.scan(root.path(), &Options { baseline, ..Options::default() }).unwrap();
    assert!(again.worst().is_none());
}

#[test]
fn fingerprints_stay_when_lines_move() {
    let one = tree(&[("a.py", "import pickle\npickle.load(f)\npickle.load(f)\n")]);
    let two = tree(&[("a.py", "# more\n\nimport pickle\n  \npickle.load(f)\npickle.load(f)\n")]);
    let prints = |report: &Report| {
        report.findings.iter().map(|finding| finding.fingerprint.clone()).collect::<Vec<_>>()
    };
    let (one, two) = (scan(one.path()), scan(two.path()));
    assert_eq!(prints(&one), prints(&two));
    assert_ne!(one.findings[0].fingerprint, one.findings[1].fingerprint);
}

#[test]
fn unchanged_files_come_from_the_cache() {
    let root = tree(&[("a.py", APP)]);
    let away = TempDir::new().unwrap();
    let cache = away.path().join("cache.json");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let file = fs::File::options().write(true).open(root.path().join("a.py")).unwrap();
    file.set_modified(old).unwrap();
    let scanner = scanner();
    let options = Options { cache: Some(cache.clone()), ..Options::default() };
    let first = scanner.scan(root.path(), &options).unwrap();
    // Its status changed just now: it must not be kept.
    assert!(!fs::read_to_string(&cache).unwrap_or_default().contains("gpt-4o"));
    let second = scanner.scan(root.path(), &options).unwrap();
    assert_eq!(first, second);
    fs::write(&cache, "not a cache").unwrap();
    assert_eq!(scanner.scan(root.path(), &options).unwrap(), first);
}

#[test]
fn the_gateway_is_joined() {
    let root = tree(&[("a.py", APP)]);
    let mut report = scan(root.path());
    let seen = |gateway: &str, models: &[&str]| Seen {
        asked: "a server".to_owned(),
        gateway: gateway.to_owned(),
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        upstreams: vec!["x.example:443".to_owned()],
    };
    report.join(&seen("https://gate.example:8443", &[]));
    let gateway = report.gateway.clone().unwrap();
    assert_eq!((gateway.endpoints, gateway.seen, gateway.unseen[0].line), (1, Some(0), 2));
    let change = &gateway.unseen[0].change;
    assert!(
        change.contains("https://gate.example:8443/v1") && change.contains("has this upstream"),
        "{change}"
    );
    report.join(&seen("https://x.example", &[]));
    assert_eq!(report.gateway.clone().unwrap().seen, Some(1));
    report.join(&seen("https://gate.example", &["gpt-4o"]));
    assert_eq!(report.gateway.unwrap().seen, Some(1));
}

const BICEP: &str = "param name string\nparam network string = 'Enabled'\nparam deployments array = []\nvar full = '${toLower(name)}-ai'\n\
resource account 'Microsoft.CognitiveServices/accounts@2024-10-01' = {\n  name: full\n  kind: 'OpenAI'\n  properties: {\n    \
customSubDomainName: full\n    publicNetworkAccess: network\n    disableLocalAuth: true\n  }\n}\n\
resource made 'Microsoft.CognitiveServices/accounts/deployments@2024-10-01' = [for one in deployments: {\n  parent: account\n  name: one.name\n  \
properties: {\n    model: {\n      format: 'OpenAI'\n      name: one.model\n      version: '1'\n    }\n  }\n}]\n";

#[test]
fn names_of_bicep_are_settled() {
    let main = "param name string\nmodule ai './modules/ai.bicep' = {\n  name: 'ai'\n  params: {\n    name: name\n    network: 'Disabled'\n    \
                deployments: [\n      { name: 'chat', model: 'gpt-4o' }\n      { name: 'embed', model: 'text-embedding-3-small' }\n    ]\n  }\n}\n";
    let parameters = "using './main.bicep'\nparam name = 'Shop'\n";
    let root = tree(&[("main.bicep", main), ("main.bicepparam", parameters), ("modules/ai.bicep", BICEP)]);
    let report = scan(root.path());
    assert!(has(&report, Kind::ModelEndpoint, "https://shop-ai.openai.azure.com"), "{:?}", report.assets);
    assert!(has(&report, Kind::Model, "gpt-4o") && has(&report, Kind::Model, "text-embedding-3-small"));
    let open = |report: &Report| report.findings.iter().any(|f| f.rule_id == "azure-ai-public-network");
    assert!(!open(&report), "{:?}", report.findings);
    // By itself the module is open, and its name is not known.
    let report = scan(tree(&[("ai.bicep", BICEP)]).path());
    assert!(open(&report), "{:?}", report.findings);
    let unknown = "Microsoft.CognitiveServices/accounts.account";
    let asset = report.assets.iter().find(|asset| asset.name == unknown).unwrap();
    assert!(asset.facts.contains_key("unresolved"));
}

#[test]
fn names_of_templates_are_settled() {
    let template = r#"{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "parameters": {"name": {"type": "string"}, "network": {"type": "string", "defaultValue": "Enabled"},
            "models": {"type": "array", "defaultValue": ["gpt-4o", "gpt-4o-mini"]}},
        "variables": {"full": "[concat(parameters('name'), '-ai')]"},
        "resources": [{"type": "Microsoft.CognitiveServices/accounts", "name": "[variables('full')]", "kind": "OpenAI",
            "properties": {"customSubDomainName": "[variables('full')]", "publicNetworkAccess": "[parameters('network')]"}},
            {"type": "Microsoft.CognitiveServices/accounts/deployments",
             "copy": {"name": "all", "count": "[length(parameters('models'))]"},
             "name": "[concat(variables('full'), '/', parameters('models')[copyIndex()])]",
             "properties": {"model": {"format": "OpenAI", "name": "[parameters('models')[copyIndex()]]"}}}]}"#;
    let parameters = |network: &str| {
        format!(
            r#"{{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
            "parameters": {{"name": {{"value": "shop"}}, "network": {{"value": "{network}"}}}}}}"#
        )
    };
    for (network, open) in [("Enabled", true), ("Disabled", false)] {
        let parameters = parameters(network);
        let root = tree(&[("azuredeploy.json", template), ("azuredeploy.parameters.json", &parameters)]);
        let report = scan(root.path());
        assert!(has(&report, Kind::ModelEndpoint, "https://shop-ai.openai.azure.com"), "{:?}", report.assets);
        assert!(has(&report, Kind::Model, "gpt-4o") && has(&report, Kind::Model, "gpt-4o-mini"));
        let found = report.findings.iter().any(|finding| finding.rule_id == "azure-ai-public-network");
        assert_eq!(found, open, "{:?}", report.findings);
    }
}

#[test]
fn names_of_terraform_are_settled() {
    let main = "resource \"azurerm_cognitive_account\" \"ai\" {\n  name = \"${var.name}-ai\"\n  kind = \"OpenAI\"\n  \
                custom_subdomain_name = local.full\n  public_network_access_enabled = var.public\n}\n\
                resource \"azurerm_cognitive_deployment\" \"all\" {\n  for_each = { for d in var.deployments : d.name => d }\n  \
                name = each.value.name\n  model {\n    format = \"OpenAI\"\n    name = each.value.model\n  }\n}\n";
    let variables = "variable \"name\" {}\nvariable \"public\" {\n  default = true\n}\nvariable \"deployments\" {\n  default = [\n    \
                     { name = \"chat\", model = \"gpt-4o\" },\n  ]\n}\nlocals {\n  full = lower(\"${var.name}-ai\")\n}\n";
    let values = "name = \"Shop\"\npublic = false\n";
    let open = |report: &Report| report.findings.iter().any(|f| f.rule_id == "azure-ai-public-network");
    let root = tree(&[("main.tf", main), ("variables.tf", variables), ("terraform.tfvars", values)]);
    let report = scan(root.path());
    assert!(has(&report, Kind::ModelEndpoint, "https://shop-ai.openai.azure.com"), "{:?}", report.assets);
    assert!(has(&report, Kind::Model, "gpt-4o"), "{:?}", report.assets);
    assert!(!open(&report), "{:?}", report.findings);
    let report = scan(tree(&[("main.tf", main), ("variables.tf", variables)]).path());
    assert!(open(&report), "{:?}", report.findings);
    assert!(has(&report, Kind::ModelEndpoint, "azurerm_cognitive_account.ai"), "{:?}", report.assets);
}

#[test]
fn models_are_not_hidden_by_ignore_files() {
    let root =
        tree(&[(".gitignore", "*.pkl\n*.py\n"), ("a.py", APP), ("m/model.pkl", "cos\nsystem\n(S'x'\ntR.")]);
    let report = scan(root.path());
    assert!(report.worst() >= Some(stockade_domain::Severity::High), "{:?}", report.findings);
    assert!(!has(&report, Kind::Sdk, "openai"));
    fs::write(root.path().join(".stockadeignore"), "*\n").unwrap();
    let report = scan(root.path());
    let told: Vec<_> =
        report.coverage.skipped.iter().map(|lack| (lack.path.as_str(), lack.why.as_str())).collect();
    assert_eq!(told, [("m/model.pkl", "ignored by .stockadeignore")]);
}

#[test]
fn long_lines_hide_nothing_and_cost_no_square() {
    let hidden = format!("img = '{}'\nimport pickle\npickle.load(open('x', 'rb'))\n", "i".repeat(40_000));
    let servers: Vec<String> =
        (0..5_000).map(|at| format!("\"s{at}\": {{\"command\": \"npx\", \"args\": [\"p{at}\"]}}")).collect();
    let servers = format!("{{\"mcpServers\": {{{}}}}}", servers.join(", "));
    let root = tree(&[("a.py", &hidden), (".mcp.json", &servers), ("run.sh", "#!/bin/sh\nexit 0\n")]);
    let begun = std::time::Instant::now();
    let report = scan(root.path());
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    assert!(report.findings.iter().any(|finding| finding.rule_id == "pickle-load"));
    assert_eq!(report.findings.iter().filter(|f| f.rule_id == "mcp-server-unpinned").count(), 5_000);
    // A script is a program under its own name.
    assert!(report.assets.iter().all(|asset| asset.kind != Kind::ModelArtifact), "{:?}", report.assets);
}
