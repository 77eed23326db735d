//! Valid numbers, made from the definitions and not by trial with what is evaluated.

use super::random::Random;

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

fn weighted(text: &str, weights: &[u32]) -> u32 {
    digits(text).iter().zip(weights).map(|(d, w)| d * w).sum()
}

fn luhn(body: &str) -> u32 {
    let doubled = |(at, d): (usize, u32)| if at % 2 == 0 { d * 2 / 10 + d * 2 % 10 } else { d };
    let total: u32 = digits(body).into_iter().rev().enumerate().map(doubled).sum();
    (10 - total % 10) % 10
}

fn iso_11_10(body: &str) -> u32 {
    let product = digits(body).into_iter().fold(10, |p, d| {
        let s = (d + p) % 10;
        (if s == 0 { 10 } else { s }) * 2 % 11
    });
    (11 - product) % 10
}

fn mod_97(text: &str) -> u64 {
    text.chars().fold(0, |rest, c| {
        let v = u64::from(c.to_digit(36).unwrap_or(0));
        (rest * if v > 9 { 100 } else { 10 } + v) % 97
    })
}

fn day(r: &mut Random) -> (usize, usize, usize) {
    (1940 + r.below(65), 1 + r.below(12), 1 + r.below(28))
}

/// Draws until the number has a check digit that can be written.
fn until(mut draw: impl FnMut() -> Option<String>) -> String {
    loop {
        if let Some(number) = draw() {
            return number;
        }
    }
}

/// A valid number of a type.
pub(crate) fn number(ty: &str, r: &mut Random) -> String {
    match ty {
        "card" => {
            let form = r.of(&["4##############", "51#############", "55#############", "2221###########"]);
            let body = r.fill(form);
            let all = format!("{body}{}", luhn(&body));
            if r.below(2) == 0 { all } else { grouped(&all, &[4, 4, 4, 4], ' ') }
        }
        "email" => {
            let name = r.of(&["anna", "j.smith", "m_muller", "lee+work", "carlos88", "p-dupont"]);
            let host = r.of(&["mail.net", "corp.example.org", "uni-bonn.de", "orange.fr", "acme.co.uk"]);
            format!("{name}{}@{host}", r.below(100))
        }
        "iban" => {
            let country = r.of(&["DE", "FR", "NL", "ES"]);
            let body = r.fill(match country {
                "DE" => "##################",
                "FR" => "#######################",
                "NL" => "@@@@##########",
                _ => "####################",
            });
            let check = 98 - mod_97(&format!("{body}{country}00"));
            let all = format!("{country}{check:02}{body}");
            if r.below(2) == 0 { all } else { grouped(&all, &[4; 9], ' ') }
        }
        "us_ssn" => until(|| {
            let n = r.fill("###-##-####");
            let sane = !n.starts_with('9') && !n.starts_with("000") && !n.starts_with("666");
            (sane && !n.contains("-00-") && !n.ends_with("0000")).then_some(n)
        }),
        "us_itin" => format!("9{}-7{}-{}", r.fill("##"), r.below(9), r.fill("####")),
        "us_mbi" => r.fill("1EG4-TE5-MK##"),
        "us_npi" => {
            let body = r.fill("1########");
            format!("{body}{}", luhn(&format!("80840{body}")))
        }
        "uk_nhs" => until(|| {
            let body = r.fill("4########");
            let check = (11 - weighted(&body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
            (check < 10).then(|| grouped(&format!("{body}{check}"), &[3, 3, 4], ' '))
        }),
        "uk_nino" => format!(
            "{} {} {} {} {}",
            r.of(&["AB", "JG", "SE", "PX"]),
            r.fill("##"),
            r.fill("##"),
            r.fill("##"),
            r.from("ABCD")
        ),
        "ca_sin" => {
            let body = r.fill("5#######");
            grouped(&format!("{body}{}", luhn(&body)), &[3, 3, 3], ' ')
        }
        "au_tfn" => until(|| {
            let body = r.fill("8#######");
            let rest = weighted(&body, &[1, 4, 3, 7, 5, 8, 6, 9]) % 11;
            (0..10)
                .find(|d| (rest + 10 * d).is_multiple_of(11))
                .map(|d| grouped(&format!("{body}{d}"), &[3, 3, 3], ' '))
        }),
        "de_tax_id" => until(|| {
            // Nine different digits, one of them twice.
            let mut pool: Vec<char> = "1234567890".chars().collect();
            let mut body = String::new();
            for _ in 0..9 {
                let at = r.below(pool.len());
                body.push(pool.remove(at));
            }
            let again = body.chars().nth(r.below(9))?;
            body.push(again);
            (!body.starts_with('0')).then(|| format!("{body}{}", iso_11_10(&body)))
        }),
        "fr_nir" => {
            let (y, m, _) = day(r);
            let body = format!("{}{:02}{m:02}75{}", 1 + r.below(2), y % 100, r.fill("1##1##"));
            let key = 97 - body.parse::<u64>().unwrap_or(0) % 97;
            grouped(&format!("{body}{key:02}"), &[1, 2, 2, 2, 3, 3, 2], ' ')
        }
        "es_nif" => {
            let body = r.fill("5#######");
            let at = usize::try_from(body.parse::<u64>().unwrap_or(0) % 23).unwrap_or(0);
            format!("{body}{}", "TRWAGMYFPDXBNJZSQVHLCKE".chars().nth(at).unwrap_or('T'))
        }
        "pt_nif" => {
            let body = r.fill("2#######");
            let rest = weighted(&body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            format!("{body}{}", if rest < 2 { 0 } else { 11 - rest })
        }
        "nl_bsn" => until(|| {
            let body = r.fill("1#######");
            let rest = weighted(&body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            (rest < 10).then(|| format!("{body}{rest}"))
        }),
        "pl_pesel" => {
            let (y, m, d) = day(r);
            let month = if y < 2000 { m } else { m + 20 };
            let body = format!("{:02}{month:02}{d:02}{}", y % 100, r.fill("####"));
            format!("{body}{}", (10 - weighted(&body, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10)
        }
        "se_personal_number" => {
            let (y, m, d) = day(r);
            let body = format!("{:02}{m:02}{d:02}{}", y % 100, r.fill("###"));
            let all = format!("{body}{}", luhn(&body));
            grouped(&all, &[6, 4], '-')
        }
        "br_cpf" => {
            let body = r.fill("3########");
            let check = |text: &str, from: u32| {
                let weights: Vec<u32> = (2..=from).rev().collect();
                let rest = weighted(text, &weights) % 11;
                if rest < 2 { 0 } else { 11 - rest }
            };
            let first = check(&body, 10);
            let second = check(&format!("{body}{first}"), 11);
            let all = format!("{body}{first}{second}");
            format!("{}.{}.{}-{}", part(&all, 0, 3), part(&all, 3, 6), part(&all, 6, 9), part(&all, 9, 11))
        }
        "in_pan" => r.fill("@@@P@####@"),
        "cn_resident_id" => {
            let (y, m, d) = day(r);
            let body = format!("110101{y}{m:02}{d:02}{}", r.fill("###"));
            let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
            let at = usize::try_from(weighted(&body, &weights) % 11).unwrap_or(0);
            format!("{body}{}", "10X98765432".chars().nth(at).unwrap_or('1'))
        }
        "jp_my_number" => {
            let body = r.fill("5##########");
            let rest = weighted(&body, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
            format!("{body}{}", if rest < 2 { 0 } else { 11 - rest })
        }
        "kr_resident_number" => {
            let (y, m, d) = day(r);
            let century = if y < 2000 { 1 + r.below(2) } else { 3 + r.below(2) };
            let body = format!("{:02}{m:02}{d:02}{century}{}", y % 100, r.fill("#####"));
            let total = weighted(&body, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11;
            grouped(&format!("{body}{}", (11 - total) % 10), &[6, 7], '-')
        }
        "date_of_birth" => {
            let (y, m, d) = day(r);
            if r.below(2) == 0 { format!("{d:02}.{m:02}.{y}") } else { format!("{y}-{m:02}-{d:02}") }
        }
        "ip_address" => {
            format!("{}.{}.{}.{}", 81 + r.below(90), r.below(256), r.below(256), 1 + r.below(250))
        }
        "passport" => r.fill("C########"),
        _ => r.fill("#########"),
    }
}

fn part(text: &str, from: usize, to: usize) -> String {
    text.chars().skip(from).take(to - from).collect()
}

fn grouped(text: &str, groups: &[usize], separator: char) -> String {
    let mut chars = text.chars();
    let mut out = String::new();
    for size in groups {
        let group: String = chars.by_ref().take(*size).collect();
        if !group.is_empty() && !out.is_empty() {
            out.push(separator);
        }
        out.push_str(&group);
    }
    out.extend(chars);
    out
}
