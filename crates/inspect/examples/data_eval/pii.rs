//! Sentences with numbers of persons in 16 locales, and sentences with numbers that are nobody's.

use super::Row;
use super::numbers::number;
use super::random::Random;

/// A locale: numbers that are typical there, each with the sentences it stands in; `{}` is the number.
struct Locale {
    name: &'static str,
    /// Forms of telephone numbers.
    phones: &'static [&'static str],
    calls: &'static [&'static str],
    numbers: &'static [(&'static str, &'static [&'static str])],
}

#[rustfmt::skip]
const LOCALES: &[Locale] = &[
    Locale { name: "us", phones: &["(415) 5##-####", "212-8##-####", "+1 312 4## ####", "646.7##.####"], calls: &["Call me at {}.", "my cell is {} after six", "{} is the best number to reach the clinic"], numbers: &[
        ("us_ssn", &["My social is {}, please update the file.", "SSN: {}", "{} belongs to the applicant"]),
        ("us_itin", &["ITIN {} was assigned last year", "her taxpayer number {}"]), ("us_mbi", &["Medicare card {} expires soon", "The beneficiary is {}"]),
        ("us_npi", &["Dr. Lee, NPI {}", "provider number: {}"]) ] },
    Locale { name: "gb", phones: &["020 7### ####", "+44 7### ######", "01### ######"], calls: &["Ring me on {} please", "mobile {}", "The office number is {}, ask for Tom"], numbers: &[
        ("uk_nhs", &["NHS number {}", "The patient ({}, NHS no) was discharged"]), ("uk_nino", &["NI number {}", "{} is on my payslip"]) ] },
    Locale { name: "ca", phones: &["(514) 3##-####", "+1 604 5## ####"], calls: &["You can call {} any time", "Téléphone : {}"], numbers: &[("ca_sin", &["My SIN is {}", "social insurance number: {}", "NAS {}"])] },
    Locale { name: "au", phones: &["04## ### ###", "+61 4## ### ###", "(02) 9### ####"], calls: &["mobile: {}", "Give us a call on {}"], numbers: &[("au_tfn", &["TFN {}", "my tax file number is {}"])] },
    Locale { name: "de", phones: &["030 #######", "+49 171 #######", "089/######"], calls: &["Telefon: {}", "Sie erreichen mich mobil unter {}", "Rufnummer {} bitte notieren"], numbers: &[
        ("de_tax_id", &["Meine Steuer-ID lautet {}.", "IdNr. {}", "Steueridentifikationsnummer: {}"]) ] },
    Locale { name: "fr", phones: &["06 ## ## ## ##", "+33 1 ## ## ## ##", "04.##.##.##.##"], calls: &["Appelez-moi au {}", "Tél. {}", "mon portable est le {}"], numbers: &[("fr_nir", &["Numéro de sécurité sociale : {}", "{} est le NIR du patient", "assuré {}"])] },
    Locale { name: "es", phones: &["6## ### ###", "+34 6## ## ## ##", "91 ### ## ##"], calls: &["Mi teléfono es {}", "Llámame al móvil {}"], numbers: &[("es_nif", &["DNI {}", "con NIF {}, domiciliado en Madrid", "El titular es {}"])] },
    Locale { name: "pt", phones: &["91# ### ###", "+351 9## ### ###"], calls: &["Telemóvel: {}", "o meu telefone é {}"], numbers: &[("pt_nif", &["NIF {}", "contribuinte n.º {}"])] },
    Locale { name: "nl", phones: &["06-########", "+31 6 ########", "020-#######"], calls: &["Bel mij op {} (telefoon)", "mobiel {}"], numbers: &[("nl_bsn", &["BSN: {}", "Mijn burgerservicenummer is {}"])] },
    Locale { name: "pl", phones: &["+48 6## ### ###", "6## ### ###"], calls: &["numer telefonu {}", "tel. {}"], numbers: &[("pl_pesel", &["PESEL {}", "o numerze PESEL: {}"])] },
    Locale { name: "se", phones: &["070-### ## ##", "+46 70 ### ## ##"], calls: &["mobil: {}", "telefon {}"], numbers: &[("se_personal_number", &["Personnummer: {}", "mitt personnummer är {}"])] },
    Locale { name: "br", phones: &["(11) 9####-####", "+55 21 9####-####"], calls: &["Meu celular é {}", "Telefone: {}"], numbers: &[("br_cpf", &["CPF {}", "inscrito sob o número {}", "O cliente {} comprou"])] },
    Locale { name: "in", phones: &["+91 98### #####", "98########"], calls: &["Mobile: {}", "my phone number is {}"], numbers: &[("in_pan", &["PAN {}", "the assessee {} filed late"])] },
    Locale { name: "cn", phones: &["138########", "+86 139 #### ####"], calls: &["手机：{}", "请拨打电话 {}"], numbers: &[("cn_resident_id", &["身份证号{}", "公民 {} 已登记", "ID {}"])] },
    Locale { name: "jp", phones: &["090-####-####", "+81 90 #### ####"], calls: &["携帯電話は{}です", "電話：{}"], numbers: &[("jp_my_number", &["マイナンバー {}", "個人番号は{}です"])] },
    Locale { name: "kr", phones: &["010-####-####", "+82 10 #### ####"], calls: &["휴대폰 {}", "전화번호는 {} 입니다"], numbers: &[("kr_resident_number", &["주민등록번호 {}", "고객 {} 확인"])] },
];

#[rustfmt::skip]
const EVERYWHERE: &[(&str, &[&str])] = &[
    ("card", &["card {}", "Pay with {} exp 11/29", "Kreditkarte: {}", "カード番号 {}"]),
    ("iban", &["IBAN {}", "Please wire to {} today", "compte {}"]),
    ("email", &["mail {} for details", "<{}>", "contact: {}"]),
    ("date_of_birth", &["DOB: {}", "geboren am {}", "born {} in Leeds", "fecha de nacimiento {}"]),
    ("ip_address", &["login from {} failed", "client_ip={}"]),
    ("passport", &["passport {}", "Reisepass Nr. {}"]),
];

/// Numbers that are nobody's.
#[rustfmt::skip]
const NOBODY: &[&str] = &[
    "Order #### ####-#### shipped", "order no 4################ was cancelled", "invoice 20240#-####", "Ticket INC0########", "tracking 1Z?????????????", "SKU ##-####-##",
    "version 1.##.#.##", "released v2.#.###", "commit %%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%", "sha256 %%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%",
    "id %%%%%%%%-%%%%-4%%%-a%%%-%%%%%%%%%%%%", "at 2024-05-1# 1#:4#:##", "timestamp 17########", "17###########", "price 1#,###.## EUR", "12#.###.### inhabitants", "0.################",
    "total: ###,###,###", "rows ########## to ##########", "ISBN 978-3-16-14####-#", "pi is 3.14159265358979", "meeting 0#/1#/2025", "from 1#:00 to 1#:30", "bytes 10######## read", "score ##.## of 100",
    "RFC ####, section #.#.#", "room ###, floor ##", "192.168.1.###", "10.0.0.##", "localhost:80##", "batch ########## finished", "lot 2024-######", "part number @@######-##", "flight @@###",
    "data:image/png;base64,iVBORw0KGgo????????????????????????????????????????", "coordinates on page ##", "case C-###/##", "[##, ###, ####, #####]", "{\"id\": #########, \"n\": ###}", "port ####, pid #####",
    "error 0x%%%%%%%%", "color #%%%%%%", "chapter ##.##.##", "temperature -##.# C", "ratio ##:##", "GTIN ##############", "account manager since 20##", "top 1######### results",
];

fn place(sentence: &str, ty: &str, value: &str, source: &str) -> Row {
    let start = sentence.find("{}").unwrap_or(0);
    let spans = vec![(ty.to_owned(), start, start + value.len())];
    Row { text: sentence.replacen("{}", value, 1), source: source.to_owned(), spans }
}

pub(crate) fn rows(rounds: usize) -> Vec<Row> {
    let mut r = Random::new(7);
    let mut rows = Vec::new();
    for _ in 0..rounds {
        for locale in LOCALES {
            for (ty, sentences) in locale.numbers {
                let value = number(ty, &mut r);
                rows.push(place(r.of(sentences), ty, &value, locale.name));
            }
            let form = r.of(locale.phones);
            let value = r.fill(form);
            rows.push(place(r.of(locale.calls), "phone", &value, locale.name));
            let (ty, sentences) =
                EVERYWHERE.get(r.below(EVERYWHERE.len())).copied().unwrap_or(("email", &["{}"]));
            let value = number(ty, &mut r);
            rows.push(place(r.of(sentences), ty, &value, locale.name));
        }
        for form in NOBODY {
            rows.push(Row { text: r.fill(form), source: "nobody's".to_owned(), spans: Vec::new() });
        }
    }
    rows
}
