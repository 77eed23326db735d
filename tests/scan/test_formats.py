"""What `stockade scan` writes, read by validators that are not ours: CycloneDX, JSON Schema."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest
import urllib.parse

import jsonschema
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import tree

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "stockade.scan-1.json").read_text())
CORPUS = ROOT / "tests" / "scan-corpus" / "tuned"


def setUpModule():
    global TREES, FOLDER
    FOLDER = tempfile.TemporaryDirectory(prefix="stockade-scan-")
    top = pathlib.Path(FOLDER.name)
    hostile = top / "hostile"
    tree.hostile(hostile)
    models = top / "models"
    tree.models(models)
    TREES = [hostile, models, *sorted(path / "tree" for path in CORPUS.iterdir() if (path / "tree").is_dir())]


def tearDownModule():
    FOLDER.cleanup()


def scan(path, *more):
    """The output of a scan; every exit but that of a broken command is fine."""
    done = subprocess.run([tree.binary(), "scan", str(path), *more], capture_output=True, check=False,
                          env=tree.environment(), timeout=120)
    if done.returncode not in (0, 1, 3):
        raise AssertionError(f"scan {path} {more}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


class Json(unittest.TestCase):
    def test_reports_follow_the_published_schema(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        validator = jsonschema.Draft202012Validator(SCHEMA)
        for path in TREES:
            with self.subTest(path=path):
                errors = [error.message for error in validator.iter_errors(json.loads(scan(path, "--format", "json")))]
                self.assertEqual(errors, [])

    def test_the_schema_is_strict(self):
        report = json.loads(scan(TREES[0], "--format", "json"))
        report["asets"] = []
        self.assertFalse(jsonschema.Draft202012Validator(SCHEMA).is_valid(report))

    def test_what_is_converted_is_what_is_scanned(self):
        with tempfile.TemporaryDirectory() as folder:
            saved = pathlib.Path(folder) / "scan.json"
            saved.write_text(scan(TREES[0], "--format", "json"))
            for form in ("json", "sarif", "cyclonedx", "html"):
                with self.subTest(form=form):
                    done = subprocess.run([tree.binary(), "report", "convert", str(saved), "--format", form],
                                          capture_output=True, check=True, env=tree.environment())
                    self.assertEqual(done.stdout.decode(), scan(TREES[0], "--format", form))


class CycloneDx(unittest.TestCase):
    def validate(self, version, flag, more=()):
        validator = JsonStrictValidator(version)
        for path in TREES:
            with self.subTest(path=path):
                text = scan(path, "--format", "cyclonedx", "--cyclonedx", flag, *more)
                error = validator.validate_str(text)
                self.assertIsNone(error, error)
                references = []
                collect(json.loads(text), references)
                self.assertEqual(len(references), len(set(references)), "a bom-ref is used twice")

    def test_1_6(self):
        self.validate(SchemaVersion.V1_6, "1.6")

    def test_1_7(self):
        self.validate(SchemaVersion.V1_7, "1.7")

    def test_with_digests(self):
        self.validate(SchemaVersion.V1_6, "1.6", ["--digests"])

    def test_models_have_cards_digests_and_verdicts(self):
        bom = json.loads(scan(TREES[1], "--format", "cyclonedx", "--digests"))
        models = {one["name"]: one for one in bom["components"] if one["type"] == "machine-learning-model"}
        self.assertIn("weights.safetensors", models)
        self.assertIn("evil.pkl", models)
        for name, verdict in (("weights.safetensors", "clean"), ("evil.pkl", "malicious")):
            card = {one["name"]: one["value"] for one in models[name]["modelCard"]["properties"]}
            self.assertEqual(card["stockade:verdict"], verdict)
            self.assertEqual(models[name]["hashes"], [{"alg": "SHA-256", "content": tree.digest(TREES[1] / name)}])

    def test_the_validator_rejects_what_is_wrong(self):
        bom = json.loads(scan(TREES[0], "--format", "cyclonedx"))
        bom["componets"] = []
        self.assertIsNotNone(JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)))


def collect(value, references):
    """Every bom-ref, at any depth."""
    if isinstance(value, dict):
        if "bom-ref" in value:
            references.append(value["bom-ref"])
        for one in value.values():
            collect(one, references)
    elif isinstance(value, list):
        for one in value:
            collect(one, references)


class Sarif(unittest.TestCase):
    """The requirements of SARIF 2.1.0 (OASIS) for what a scan writes; the section stands beside each."""

    LEVELS = ("none", "note", "warning", "error")

    def test_logs(self):
        for path in TREES:
            with self.subTest(path=path):
                self.check(json.loads(scan(path, "--format", "sarif")))

    def check(self, log):
        self.assertLessEqual(set(log), {"$schema", "version", "runs", "inlineExternalProperties", "properties"})
        self.assertEqual(log["version"], "2.1.0")  # 3.13.2
        self.assertIsInstance(log["runs"], list)  # 3.13.4
        for run in log["runs"]:
            self.check_run(run)

    def check_run(self, run):
        driver = run["tool"]["driver"]  # 3.14.6, 3.18.2
        self.assertTrue(driver["name"])  # 3.19.8
        self.assertRegex(driver["semanticVersion"], r"^\d+\.\d+\.\d+")  # 3.19.12
        self.assertTrue(urllib.parse.urlsplit(driver["informationUri"]).scheme)  # 3.19.17: absolute
        rules = driver["rules"]
        ids = [rule["id"] for rule in rules]  # 3.49.3
        self.assertEqual(len(ids), len(set(ids)), "rules are unique")  # 3.19.23
        for rule in rules:
            self.assertTrue(rule["shortDescription"]["text"])  # 3.12.3
            self.assertIn(rule["defaultConfiguration"]["level"], self.LEVELS)  # 3.50.3
            if "helpUri" in rule:
                self.assertTrue(urllib.parse.urlsplit(rule["helpUri"]).scheme)  # 3.49.12
            tags = rule["properties"]["tags"]
            self.assertEqual(len(tags), len(set(tags)), "tags are unique")  # 3.8.2.1
        self.assertIn(run["columnKind"], ("utf16CodeUnits", "unicodeCodePoints"))  # 3.14.17
        for name, base in run["originalUriBaseIds"].items():
            if "uri" in base:
                self.assertTrue(base["uri"].endswith("/"), name)  # 3.14.14
        for invocation in run["invocations"]:
            self.assertIsInstance(invocation["executionSuccessful"], bool)  # 3.20.14
            for notification in invocation["toolExecutionNotifications"]:
                self.assertTrue(notification["message"]["text"])  # 3.58.5
                self.assertIn(notification["level"], self.LEVELS)  # 3.58.6
                for location in notification["locations"]:
                    self.check_location(location, run)
        for result in run["results"]:  # 3.14.23
            self.assertTrue(result["message"]["text"])  # 3.27.11
            self.assertIn(result["level"], self.LEVELS)  # 3.27.10
            self.assertEqual(ids[result["ruleIndex"]], result["ruleId"])  # 3.27.6
            for location in result["locations"]:
                self.check_location(location, run)
            for key, value in result["partialFingerprints"].items():  # 3.27.17
                self.assertTrue(key and isinstance(value, str))
            for suppression in result.get("suppressions", []):
                self.assertIn(suppression["kind"], ("inSource", "external"))  # 3.35.2

    def check_location(self, location, run):
        physical = location["physicalLocation"]
        artifact = physical["artifactLocation"]
        uri = artifact["uri"]  # 3.4.3: a valid URI reference (RFC 3986)
        self.assertRegex(uri, r"^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?#\[\]]|%[0-9A-Fa-f]{2})*$")
        self.assertFalse(uri.startswith("/") or urllib.parse.urlsplit(uri).scheme, "relative to its base")  # 3.4.4
        self.assertNotIn("..", uri.split("/"))
        self.assertIn(artifact["uriBaseId"], run["originalUriBaseIds"])
        region = physical.get("region")
        if region is not None:
            self.assertGreaterEqual(region["startLine"], 1)  # 3.30.5
            if "endLine" in region:
                self.assertGreaterEqual(region["endLine"], region["startLine"])  # 3.30.7


class Html(unittest.TestCase):
    def test_pages_run_nothing_and_load_nothing(self):
        for path in TREES:
            with self.subTest(path=path):
                page = scan(path, "--format", "html")
                self.assertNotRegex(page, re.compile(r"<script|javascript:|<img|<iframe|<link|@import|\son\w+=", re.I))
                self.assertNotIn(tree.MARK, page.replace(tree.ESCAPED_MARK, ""))


class Terminal(unittest.TestCase):
    def test_hostile_names_cannot_steer_a_terminal(self):
        for form in ("human", "sarif", "json", "jsonl"):
            with self.subTest(form=form):
                text = scan(TREES[0], "--format", form)
                self.assertIsNone(re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text))
