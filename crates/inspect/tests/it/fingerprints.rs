//! Values that are known by keyed digests only.

use stockade_domain::{Channel, Direction, Role, SpanRef};
use stockade_inspect::{Context, Engine, EngineError, FingerprintError, FingerprintKey, Fingerprints};
use stockade_rulebook::Rulebook;

const KEY: &[u8] = b"a key of thirty-two bytes or so!";

fn rule(values: &[&str]) -> Result<String, FingerprintError> {
    let prints = Fingerprints::new(&FingerprintKey::new(KEY)?, values.iter().copied())?;
    Ok(format!(
        "id = \"own-customers\"\ntitle = \"Customers\"\nseverity = \"high\"\nstatus = \"stable\"\nsince = \"1.0.0\"\nwhy = \"w\"\nfix = \"f\"\n\
         [recognizer]\nkind = \"pii\"\ntype = \"customer\"\n{}[examples]\nmatch = []\nno_match = []\n",
        prints.to_toml()
    ))
}

fn engine(values: &[&str], key: Option<&[u8]>) -> Result<Engine, Box<dyn std::error::Error>> {
    let directory =
        std::env::temp_dir().join(format!("stockade-prints-{}-{}", std::process::id(), values.len()));
    let folder = directory.join("recognizers");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("own-customers.toml"), rule(values)?)?;
    let book = Rulebook::new(&[]).overlay(&directory)?;
    let none: &[&str] = &[];
    let engine = match key {
        Some(key) => Engine::with_fingerprints(&book, none, false, &FingerprintKey::new(key)?),
        None => Engine::new(&book),
    };
    std::fs::remove_dir_all(&directory)?;
    Ok(engine?)
}

fn found(engine: &Engine, text: &str) -> Vec<String> {
    let cx = Context::new(Direction::Request, Channel::Content, Role::User);
    let report = engine.examine(SpanRef { channel: cx.channel, role: cx.role, path: "", text }, &cx);
    report.findings.iter().filter_map(|f| text.get(f.start..f.end)).map(str::to_owned).collect()
}

#[test]
fn values_are_found_however_they_are_parted() -> Result<(), Box<dyn std::error::Error>> {
    let engine = engine(&["Grünwald Anna-Maria", "KD-4711-Q9", "王小明的账号八八"], Some(KEY))?;
    assert_eq!(found(&engine, "about grünwald, ANNA MARIA today"), ["grünwald, ANNA MARIA"]);
    assert_eq!(found(&engine, "(kd 4711/q9)"), ["kd 4711/q9"]);
    assert_eq!(found(&engine, "ＫＤ-4711-Q9"), ["ＫＤ-4711-Q9"]);
    assert_eq!(found(&engine, "客户王小明的账号八八。"), ["王小明的账号八八"]);
    let hidden = "\u{4b}\u{44}-47\u{200b}11-Q9";
    assert_eq!(found(&engine, hidden), [hidden]);
    assert!(found(&engine, "KD-4711-Q8, Anna Maria, xKD-4711-Q9").is_empty());
    assert_eq!(found(&engine, "say S0QtNDcxMS1ROSBpcyBtaW5l now"), ["S0QtNDcxMS1ROSBpcyBtaW5l"]);
    Ok(())
}

#[test]
fn a_stream_withholds_a_value_until_it_is_known() -> Result<(), Box<dyn std::error::Error>> {
    let engine = engine(&["delta echo foxtrot", "delta echo"], Some(KEY))?;
    let cx = Context::new(Direction::Request, Channel::Content, Role::User);
    let text = "alpha delta echo, foxtrot golf delta hotel delta echo";
    let whole = engine.examine(SpanRef { channel: cx.channel, role: cx.role, path: "", text }, &cx).findings;
    assert_eq!(whole.len(), 2);
    for size in 1..9 {
        let mut scanner = engine.stream(&cx);
        let mut findings = Vec::new();
        let mut taken = 0;
        for piece in text.as_bytes().chunks(size) {
            let step = scanner.push(std::str::from_utf8(piece)?);
            taken += piece.len();
            let open = whole.iter().find(|f| f.start < taken && taken < f.end);
            assert!(open.is_none_or(|f| step.safe <= f.start), "{size} {taken} {}", step.safe);
            findings.extend(step.findings);
        }
        findings.extend(scanner.finish().findings);
        assert_eq!(findings, whole, "{size}");
    }
    Ok(())
}

#[test]
fn without_the_right_key_there_is_no_engine() {
    for key in [None, Some(&b"another key of many bytes here.."[..])] {
        let error = engine(
            &["KD-4711-Q9", "x 123456", "y 123456", "z 123456"][..3 + usize::from(key.is_none())],
            key,
        );
        assert!(error.is_err_and(
            |e| matches!(e.downcast_ref(), Some(EngineError::Rule { id, .. }) if id == "own-customers")
        ));
    }
}

#[test]
fn values_that_stand_anywhere_are_refused() -> Result<(), FingerprintError> {
    let key = FingerprintKey::new(KEY)?;
    let new = |values: &[&str]| Fingerprints::new(&key, values.iter().copied()).map(|f| f.len());
    assert_eq!(new(&["anna", "longer"]), Err(FingerprintError::ShortValue(1)));
    assert_eq!(new(&["  ", ""]), Err(FingerprintError::Nothing));
    assert_eq!(new(&[&"word ".repeat(13)]), Err(FingerprintError::LongValue(1)));
    assert_eq!(new(&["KD-4711", "kd 4711", "KD-4712"]), Ok(2));
    Ok(())
}
