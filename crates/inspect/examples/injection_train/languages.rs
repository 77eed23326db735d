//! Attacks and honest texts in other languages, put together from the word lists of the rules and everyday words.
//! Grammar suffers; a model that sees words and pairs of words does not mind much.

use std::collections::BTreeMap;

use crate::random::Random;

/// Everyday words of a language: things, what one does with them, whole sentences.
struct Everyday {
    code: &'static str,
    things: &'static [&'static str],
    acts: &'static [&'static str],
    sentences: &'static [&'static str],
}

/// The word classes of a language's rule file.
pub(crate) struct Language {
    pub(crate) code: String,
    classes: BTreeMap<String, Vec<String>>,
    honest: Vec<String>,
}

const EVERYDAY: &[Everyday] = &[
    Everyday {
        code: "de",
        things: &["Rechnung", "Bestellung", "Nachricht", "Woche", "Adresse", "Seite", "Version", "Termin"],
        acts: &["lies", "bezahle", "öffne", "bringe", "suche", "schicke", "prüfe"],
        sentences: &[
            "Wie wird das Wetter morgen?",
            "Ich suche ein Rezept für Apfelkuchen.",
            "Der Zug hat zwanzig Minuten Verspätung.",
            "Schreibe einen kurzen Text über den Sommer.",
            "Was ist ein guter System Prompt?",
        ],
    },
    Everyday {
        code: "fr",
        things: &["facture", "commande", "message", "semaine", "adresse", "page", "version", "réunion"],
        acts: &["lisez", "payez", "ouvrez", "apportez", "cherchez", "envoyez", "vérifiez"],
        sentences: &[
            "Quel temps fera-t-il demain ?",
            "Je cherche une recette de tarte aux pommes.",
            "Le train a vingt minutes de retard.",
            "Écris un court texte sur l'été.",
            "Comment rédiger un bon prompt ?",
        ],
    },
    Everyday {
        code: "es",
        things: &["factura", "pedido", "mensaje", "semana", "dirección", "página", "versión", "reunión"],
        acts: &["lee", "paga", "abre", "trae", "busca", "envía", "revisa"],
        sentences: &[
            "¿Qué tiempo hará mañana?",
            "Busco una receta de tarta de manzana.",
            "El tren lleva veinte minutos de retraso.",
            "Escribe un texto corto sobre el verano.",
            "¿Cómo se escribe un buen prompt?",
        ],
    },
    Everyday {
        code: "it",
        things: &[
            "fattura",
            "ordine",
            "messaggio",
            "settimana",
            "indirizzo",
            "pagina",
            "versione",
            "riunione",
        ],
        acts: &["leggi", "paga", "apri", "porta", "cerca", "invia", "controlla"],
        sentences: &[
            "Che tempo farà domani?",
            "Cerco una ricetta per la torta di mele.",
            "Il treno ha venti minuti di ritardo.",
            "Scrivi un breve testo sull'estate.",
        ],
    },
    Everyday {
        code: "pt",
        things: &["fatura", "pedido", "mensagem", "semana", "endereço", "página", "versão", "reunião"],
        acts: &["leia", "pague", "abra", "traga", "procure", "envie", "confira"],
        sentences: &[
            "Como vai estar o tempo amanhã?",
            "Procuro uma receita de bolo de maçã.",
            "O comboio está vinte minutos atrasado.",
            "Escreva um texto curto sobre o verão.",
        ],
    },
    Everyday {
        code: "nl",
        things: &["factuur", "bestelling", "bericht", "week", "adres", "pagina", "versie", "afspraak"],
        acts: &["lees", "betaal", "open", "breng", "zoek", "stuur", "controleer"],
        sentences: &[
            "Wat voor weer wordt het morgen?",
            "Ik zoek een recept voor appeltaart.",
            "De trein heeft twintig minuten vertraging.",
            "Schrijf een korte tekst over de zomer.",
        ],
    },
    Everyday {
        code: "pl",
        things: &["faktura", "zamówienie", "wiadomość", "tydzień", "adres", "strona", "wersja", "spotkanie"],
        acts: &["przeczytaj", "zapłać", "otwórz", "przynieś", "znajdź", "wyślij", "sprawdź"],
        sentences: &[
            "Jaka będzie jutro pogoda?",
            "Szukam przepisu na szarlotkę.",
            "Pociąg jest spóźniony o dwadzieścia minut.",
            "Napisz krótki tekst o lecie.",
        ],
    },
    Everyday {
        code: "cs",
        things: &["faktura", "objednávka", "zpráva", "týden", "adresa", "strana", "verze", "schůzka"],
        acts: &["přečti", "zaplať", "otevři", "přines", "hledej", "pošli", "zkontroluj"],
        sentences: &[
            "Jaké bude zítra počasí?",
            "Hledám recept na jablečný koláč.",
            "Vlak má dvacet minut zpoždění.",
            "Napiš krátký text o létě.",
        ],
    },
    Everyday {
        code: "ru",
        things: &["счёт", "заказ", "сообщение", "неделя", "адрес", "страница", "версия", "встреча"],
        acts: &["прочитай", "оплати", "открой", "принеси", "найди", "отправь", "проверь"],
        sentences: &[
            "Какая завтра будет погода?",
            "Ищу рецепт яблочного пирога.",
            "Поезд опаздывает на двадцать минут.",
            "Напиши короткий текст о лете.",
        ],
    },
    Everyday {
        code: "uk",
        things: &[
            "рахунок",
            "замовлення",
            "повідомлення",
            "тиждень",
            "адреса",
            "сторінка",
            "версія",
            "зустріч",
        ],
        acts: &["прочитай", "сплати", "відкрий", "принеси", "знайди", "надішли", "перевір"],
        sentences: &[
            "Яка завтра буде погода?",
            "Шукаю рецепт яблучного пирога.",
            "Потяг запізнюється на двадцять хвилин.",
            "Напиши короткий текст про літо.",
        ],
    },
    Everyday {
        code: "bg",
        things: &["фактура", "поръчка", "съобщение", "седмица", "адрес", "страница", "версия", "среща"],
        acts: &["прочети", "плати", "отвори", "донеси", "намери", "изпрати", "провери"],
        sentences: &[
            "Какво ще е времето утре?",
            "Търся рецепта за ябълков пай.",
            "Влакът закъснява с двадесет минути.",
        ],
    },
    Everyday {
        code: "tr",
        things: &["fatura", "sipariş", "mesaj", "hafta", "adres", "sayfa", "sürüm", "toplantı"],
        acts: &["oku", "öde", "aç", "getir", "ara", "gönder", "kontrol et"],
        sentences: &[
            "Yarın hava nasıl olacak?",
            "Elmalı turta tarifi arıyorum.",
            "Tren yirmi dakika gecikti.",
            "Yaz hakkında kısa bir metin yaz.",
        ],
    },
    Everyday {
        code: "ar",
        things: &["الفاتورة", "الطلب", "الرسالة", "الأسبوع", "العنوان", "الصفحة", "النسخة", "الاجتماع"],
        acts: &["اقرأ", "ادفع", "افتح", "أحضر", "ابحث", "أرسل", "تحقق"],
        sentences: &[
            "كيف سيكون الطقس غدا؟",
            "أبحث عن وصفة لكعكة التفاح.",
            "القطار متأخر عشرين دقيقة.",
            "اكتب نصا قصيرا عن الصيف.",
        ],
    },
    Everyday {
        code: "fa",
        things: &["فاکتور", "سفارش", "پیام", "هفته", "نشانی", "صفحه", "نسخه", "جلسه"],
        acts: &["بخوان", "پرداخت کن", "باز کن", "بیاور", "پیدا کن", "بفرست", "بررسی کن"],
        sentences: &["فردا هوا چطور است؟", "دنبال دستور پخت کیک سیب هستم.", "قطار بیست دقیقه تأخیر دارد."],
    },
    Everyday {
        code: "he",
        things: &["החשבונית", "ההזמנה", "ההודעה", "השבוע", "הכתובת", "העמוד", "הגרסה", "הפגישה"],
        acts: &["קרא", "שלם", "פתח", "הבא", "חפש", "שלח", "בדוק"],
        sentences: &["איך יהיה מזג האוויר מחר?", "אני מחפש מתכון לעוגת תפוחים.", "הרכבת מאחרת בעשרים דקות."],
    },
    Everyday {
        code: "hi",
        things: &["बिल", "ऑर्डर", "संदेश", "सप्ताह", "पता", "पृष्ठ", "संस्करण", "बैठक"],
        acts: &["पढ़ें", "भुगतान करें", "खोलें", "लाएँ", "खोजें", "भेजें", "जाँचें"],
        sentences: &["कल मौसम कैसा रहेगा?", "मुझे सेब केक की विधि चाहिए।", "ट्रेन बीस मिनट देर से है।"],
    },
    Everyday {
        code: "bn",
        things: &["বিল", "অর্ডার", "বার্তা", "সপ্তাহ", "ঠিকানা", "পাতা", "সংস্করণ", "সভা"],
        acts: &["পড়ুন", "পরিশোধ করুন", "খুলুন", "আনুন", "খুঁজুন", "পাঠান"],
        sentences: &["আগামীকাল আবহাওয়া কেমন হবে?", "আপেল কেকের রেসিপি চাই।", "ট্রেন বিশ মিনিট দেরিতে চলছে।"],
    },
    Everyday {
        code: "zh",
        things: &["账单", "订单", "消息", "星期", "地址", "页面", "版本", "会议"],
        acts: &["阅读", "支付", "打开", "带来", "寻找", "发送", "检查"],
        sentences: &[
            "明天天气怎么样？",
            "我在找苹果蛋糕的做法。",
            "火车晚点二十分钟。",
            "写一篇关于夏天的短文。",
            "怎样写好提示词？",
        ],
    },
    Everyday {
        code: "ja",
        things: &["請求書", "注文", "メッセージ", "週", "住所", "ページ", "バージョン", "会議"],
        acts: &["読んで", "払って", "開いて", "探して", "送って", "確認して"],
        sentences: &[
            "明日の天気はどうですか。",
            "りんごケーキのレシピを探しています。",
            "電車が二十分遅れています。",
            "夏について短い文章を書いて。",
        ],
    },
    Everyday {
        code: "ko",
        things: &["청구서", "주문", "메시지", "주", "주소", "페이지", "버전", "회의"],
        acts: &["읽어", "지불해", "열어", "가져와", "찾아", "보내", "확인해"],
        sentences: &["내일 날씨가 어때요?", "사과 케이크 요리법을 찾고 있어요.", "기차가 이십 분 늦어요."],
    },
    Everyday {
        code: "vi",
        things: &["hóa đơn", "đơn hàng", "tin nhắn", "tuần", "địa chỉ", "trang", "phiên bản", "cuộc họp"],
        acts: &["đọc", "trả", "mở", "mang", "tìm", "gửi", "kiểm tra"],
        sentences: &[
            "Ngày mai thời tiết thế nào?",
            "Tôi tìm công thức làm bánh táo.",
            "Tàu trễ hai mươi phút.",
        ],
    },
    Everyday {
        code: "id",
        things: &["tagihan", "pesanan", "pesan", "minggu", "alamat", "halaman", "versi", "rapat"],
        acts: &["baca", "bayar", "buka", "bawa", "cari", "kirim", "periksa"],
        sentences: &[
            "Bagaimana cuaca besok?",
            "Saya mencari resep kue apel.",
            "Kereta terlambat dua puluh menit.",
        ],
    },
    Everyday {
        code: "th",
        things: &["ใบแจ้งหนี้", "คำสั่งซื้อ", "ข้อความ", "สัปดาห์", "ที่อยู่", "หน้า", "รุ่น", "ประชุม"],
        acts: &["อ่าน", "จ่าย", "เปิด", "นำ", "ค้นหา", "ส่ง", "ตรวจ"],
        sentences: &["พรุ่งนี้อากาศเป็นอย่างไร", "ฉันหาสูตรเค้กแอปเปิล", "รถไฟช้ายี่สิบนาที"],
    },
    Everyday {
        code: "sv",
        things: &[
            "fakturan",
            "beställningen",
            "meddelandet",
            "veckan",
            "adressen",
            "sidan",
            "versionen",
            "mötet",
        ],
        acts: &["läs", "betala", "öppna", "hämta", "sök", "skicka", "kontrollera"],
        sentences: &[
            "Hur blir vädret i morgon?",
            "Jag söker ett recept på äppelkaka.",
            "Tåget är tjugo minuter försenat.",
        ],
    },
    Everyday {
        code: "da",
        things: &["fakturaen", "bestillingen", "beskeden", "ugen", "adressen", "siden", "udgaven", "mødet"],
        acts: &["læs", "betal", "åbn", "hent", "søg", "send", "kontroller"],
        sentences: &[
            "Hvordan bliver vejret i morgen?",
            "Jeg leder efter en opskrift på æblekage.",
            "Toget er tyve minutter forsinket.",
        ],
    },
    Everyday {
        code: "fi",
        things: &["laskun", "tilauksen", "viestin", "viikon", "osoitteen", "sivun", "version", "kokouksen"],
        acts: &["lue", "maksa", "avaa", "tuo", "etsi", "lähetä", "tarkista"],
        sentences: &[
            "Millainen sää on huomenna?",
            "Etsin omenakakun reseptiä.",
            "Juna on kaksikymmentä minuuttia myöhässä.",
        ],
    },
    Everyday {
        code: "el",
        things: &[
            "τιμολόγιο",
            "παραγγελία",
            "μήνυμα",
            "εβδομάδα",
            "διεύθυνση",
            "σελίδα",
            "έκδοση",
            "συνάντηση",
        ],
        acts: &["διάβασε", "πλήρωσε", "άνοιξε", "φέρε", "ψάξε", "στείλε", "έλεγξε"],
        sentences: &[
            "Τι καιρό θα κάνει αύριο;",
            "Ψάχνω συνταγή για μηλόπιτα.",
            "Το τρένο έχει είκοσι λεπτά καθυστέρηση.",
        ],
    },
    Everyday {
        code: "ro",
        things: &["factura", "comanda", "mesajul", "săptămâna", "adresa", "pagina", "versiunea", "ședința"],
        acts: &["citește", "plătește", "deschide", "adu", "caută", "trimite", "verifică"],
        sentences: &[
            "Cum va fi vremea mâine?",
            "Caut o rețetă de plăcintă cu mere.",
            "Trenul are douăzeci de minute întârziere.",
        ],
    },
    Everyday {
        code: "hu",
        things: &["számla", "rendelés", "üzenet", "hét", "cím", "oldal", "verzió", "megbeszélés"],
        acts: &["olvasd el", "fizesd ki", "nyisd ki", "hozd el", "keresd meg", "küldd el"],
        sentences: &["Milyen idő lesz holnap?", "Almás pite receptet keresek.", "A vonat húsz percet késik."],
    },
    Everyday {
        code: "hr",
        things: &["račun", "narudžba", "poruka", "tjedan", "adresa", "stranica", "inačica", "sastanak"],
        acts: &["pročitaj", "plati", "otvori", "donesi", "traži", "pošalji", "provjeri"],
        sentences: &[
            "Kakvo će biti vrijeme sutra?",
            "Tražim recept za pitu od jabuka.",
            "Vlak kasni dvadeset minuta.",
        ],
    },
];

/// Languages whose verbs come last.
const VERB_LAST: &[&str] = &["ja", "ko", "hi", "bn", "tr", "fa", "ta", "ur"];

/// The languages of the rules' word lists.
pub(crate) fn languages() -> Result<Vec<Language>, toml::de::Error> {
    let mut out = Vec::new();
    for (name, text) in stockade_rules::FILES {
        let Some(code) = name.strip_prefix("signals/words-").and_then(|n| n.strip_suffix(".toml")) else {
            continue;
        };
        let file: toml::Table = toml::from_str(text)?;
        let list = |value: Option<&toml::Value>| -> Vec<String> {
            let items = value.and_then(toml::Value::as_array).into_iter().flatten();
            items.filter_map(|v| v.as_str()).map(str::to_owned).collect()
        };
        let classes = file.get("signal").and_then(|s| s.get("classes")).and_then(toml::Value::as_table);
        let classes =
            classes.into_iter().flatten().map(|(name, words)| (name.clone(), list(Some(words)))).collect();
        let honest = list(file.get("examples").and_then(|e| e.get("no_match")));
        out.push(Language { code: code.to_owned(), classes, honest });
    }
    Ok(out)
}

impl Language {
    /// A word of a class; a stem gets no ending.
    fn word(&self, class: &str, random: &mut Random) -> String {
        let words = self.classes.get(class).map(Vec::as_slice).unwrap_or_default();
        words.get(random.below(words.len())).map(|w| w.trim_end_matches('*').to_owned()).unwrap_or_default()
    }

    fn everyday(&self) -> Option<&'static Everyday> {
        EVERYDAY.iter().find(|everyday| everyday.code == self.code)
    }

    fn thing(&self, random: &mut Random) -> &'static str {
        self.everyday().map_or("", |e| random.pick(e.things))
    }

    fn sentence(&self, random: &mut Random) -> String {
        let own = self.everyday().map_or("", |e| random.pick(e.sentences));
        if own.is_empty() || random.one_in(4) {
            return self.honest.get(random.below(self.honest.len())).cloned().unwrap_or_default();
        }
        own.to_owned()
    }

    fn join(&self, parts: &[String]) -> String {
        let space = if matches!(self.code.as_str(), "zh" | "ja" | "th") { "" } else { " " };
        parts.iter().filter(|p| !p.is_empty()).cloned().collect::<Vec<_>>().join(space)
    }

    fn in_order(&self, verb: String, mut object: Vec<String>) -> String {
        if VERB_LAST.contains(&self.code.as_str()) {
            object.push(verb);
        } else {
            object.insert(0, verb);
        }
        self.join(&object)
    }

    pub(crate) fn attack(&self, random: &mut Random) -> String {
        let overriding = |random: &mut Random| {
            let verb = self.word("ignore", random);
            let object = if random.one_in(4) {
                vec![self.word("told", random)]
            } else {
                vec![self.word("prior", random), self.word("instruction", random)]
            };
            self.in_order(verb, object)
        };
        let revealing = |random: &mut Random| {
            let object =
                vec![self.word("prompt_reveal.own", random), self.word("prompt_reveal.hidden", random)];
            self.in_order(self.word("prompt_reveal.reveal", random), object)
        };
        let playing = |random: &mut Random| {
            let parts = [
                self.word("jailbreak_persona.role", random),
                "DAN".to_owned(),
                self.word("jailbreak_persona.limitless", random),
            ];
            self.join(&parts)
        };
        let text = match random.below(6) {
            0 | 1 => overriding(random),
            2 => revealing(random),
            3 => playing(random),
            4 => format!("{}. {}.", overriding(random), revealing(random)),
            _ => format!("{}. {}. {}.", playing(random), overriding(random), self.sentence(random)),
        };
        if random.one_in(3) { format!("{} {text}", self.sentence(random)) } else { text }
    }

    pub(crate) fn honest(&self, random: &mut Random) -> String {
        let act = self.everyday().map_or("", |e| random.pick(e.acts)).to_owned();
        let text = match random.below(6) {
            0 => self.in_order(self.word("ignore", random), vec![self.thing(random).to_owned()]),
            1 => self.in_order(act, vec![self.word("prior", random), self.thing(random).to_owned()]),
            2 => self.in_order(act, vec![self.word("instruction", random), self.thing(random).to_owned()]),
            3 => {
                self.in_order(self.word("prompt_reveal.reveal", random), vec![self.thing(random).to_owned()])
            }
            4 => {
                self.join(&[self.word("jailbreak_persona.role", random), self.thing(random).to_owned(), act])
            }
            _ => self.sentence(random),
        };
        match random.below(3) {
            0 => format!("{text}. {}", self.sentence(random)),
            1 => format!("{} {text}.", self.sentence(random)),
            _ => text,
        }
    }
}
