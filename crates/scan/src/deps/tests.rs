use super::*;

#[test]
fn requirements_are_read() {
    assert_eq!(requirement("openai>=1.0,<2 ; python_version > '3' # x"), Some(("openai", ">=1.0,<2")));
    assert_eq!(requirement("ray[serve]==2.30"), Some(("ray", "2.30")));
    assert_eq!(requirement("An english sentence"), None);
    let text = "RUN pip install --no-cache-dir mlflow==2 && npm i openai@4";
    let names: Vec<_> = installed(text, Place::default()).into_iter().map(|d| d.name).collect();
    assert_eq!(names, ["mlflow", "openai"]);
}

#[test]
fn manifests_are_read() {
    for (path, text, name) in [
        ("a/requirements-dev.txt", "# c\n-r base.txt\nOpenAI==1\n", "openai"),
        ("requirements/base.txt", "crewai==0.70\n", "crewai"),
        ("pyproject.toml", "[dependency-groups]\ndev = [\"ragas\"]\n", "ragas"),
        ("yarn.lock", "\"@ai-sdk/openai@^1.0\":\n  version \"1.2\"\n", "@ai-sdk/openai"),
        ("pnpm-lock.yaml", "packages:\n  /openai@4.1.0(zod@3):\n    x: 1\n", "openai"),
        ("go.mod", "module x\nrequire github.com/a/b/v2 v2.0.1\n", "github.com/a/b"),
        ("build.gradle", "implementation 'a.b:c:1'\n", "a.b:c"),
        ("gradle/libs.versions.toml", "[libraries]\nx = { module = \"a:b\", version = \"1\" }\n", "a:b"),
        ("Gemfile.lock", "GEM\n  specs:\n    ruby-openai (7.0)\n      faraday\n", "ruby-openai"),
        (
            "Package.swift",
            ".package(url: \"https://github.com/MacPaw/OpenAI.git\", from: \"1\")",
            "MacPaw/OpenAI",
        ),
    ] {
        let all = read(path, text).unwrap().unwrap();
        assert_eq!(all.first().map(|d| d.name.as_str()), Some(name), "{path}");
    }
}
