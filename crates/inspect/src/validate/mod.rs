//! What shape alone cannot tell: check digits, number plans, entropy.
//!
//! A validator sees the canonical text of a match. It refuses, or accepts and moves the confidence by thousandths.

mod americas;
mod asia;
mod card;
mod digits;
mod east;
mod email;
mod europe;
mod iban;
mod jose;
mod keccak;
mod north;
mod phone;
mod secret;
mod ssn;
mod things;
mod token;

use serde::Deserialize;

pub(crate) use card::{ends as card_ends, luhn, may_end as card_may_end};
pub(crate) use iban::divides;

/// Names validators once: for rule files, and for what runs them.
macro_rules! validators {
    ($($name:ident => $check:path,)*) => {
        /// What looks at the text of a match beyond its shape.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Validator {
            #[default]
            None,
            $($name,)*
        }

        /// Whether the validator accepts, and by how many thousandths it changes the rule's confidence.
        pub(crate) fn accepts(validator: Validator, text: &[u8]) -> Option<i16> {
            match validator {
                Validator::None => Some(0),
                $(Validator::$name => $check(text),)*
            }
        }
    };
}

validators! {
    Card => card::check,
    Iban => iban::check,
    Email => email::check,
    UsSsn => ssn::check,
    AwsSecret => secret::aws,
    GithubToken => secret::github,
    StockadeKey => secret::stockade,
    JoseHeader => jose::header,
    DeTax => europe::de_tax,
    DePension => europe::de_pension,
    DeHealth => europe::de_health,
    DeIdentity => europe::de_identity,
    EuVat => europe::eu_vat,
    FrNir => europe::fr_nir,
    FrSiren => europe::fr_siren,
    ItCode => europe::it_code,
    ItVat => europe::it_vat,
    EsNif => europe::es_nif,
    EsCif => europe::es_cif,
    PtNif => europe::pt_nif,
    NlBsn => europe::nl_bsn,
    BeRegister => europe::be_register,
    ChAhv => europe::ch_ahv,
    AtInsurance => europe::at_insurance,
    GrAfm => europe::gr_afm,
    IePps => europe::ie_pps,
    IsKennitala => europe::is_kennitala,
    UkNhs => europe::uk_nhs,
    UkUtr => europe::uk_utr,
    UkNino => europe::uk_nino,
    UkLicence => europe::uk_licence,
    SePerson => north::se_person,
    FiHetu => north::fi_hetu,
    DkCpr => north::dk_cpr,
    NoBirth => north::no_birth,
    Baltic => north::baltic,
    LvPerson => north::lv_person,
    PlPesel => east::pl_pesel,
    PlNip => east::pl_nip,
    PlRegon => east::pl_regon,
    CzBirth => east::cz_birth,
    RoCnp => east::ro_cnp,
    BgEgn => east::bg_egn,
    HrOib => east::hr_oib,
    Jmbg => east::jmbg,
    HuTaj => east::hu_taj,
    TrIdentity => east::tr_identity,
    RuSnils => east::ru_snils,
    RuInn => east::ru_inn,
    UaTax => east::ua_tax,
    KzIin => east::kz_iin,
    UsItin => americas::us_itin,
    UsNpi => americas::us_npi,
    UsDea => americas::us_dea,
    UsRouting => americas::us_routing,
    CaSin => americas::ca_sin,
    CaOntario => americas::ca_ontario,
    BrCpf => americas::br_cpf,
    BrCnpj => americas::br_cnpj,
    MxCurp => americas::mx_curp,
    MxRfc => americas::mx_rfc,
    ArCuit => americas::ar_cuit,
    ClRut => americas::cl_rut,
    CoNit => americas::co_nit,
    EcIdentity => americas::ec_identity,
    UyIdentity => americas::uy_identity,
    VeRif => americas::ve_rif,
    PeRuc => americas::pe_ruc,
    DoIdentity => americas::do_identity,
    BirthDate => americas::birth_date,
    InAadhaar => asia::in_aadhaar,
    InGstin => asia::in_gstin,
    CnResident => asia::cn_resident,
    JpNumber => asia::jp_number,
    KrResident => asia::kr_resident,
    KrBusiness => asia::kr_business,
    TwIdentity => asia::tw_identity,
    SgNric => asia::sg_nric,
    HkIdentity => asia::hk_identity,
    ThCitizen => asia::th_citizen,
    MyIdentity => asia::my_identity,
    IdNik => asia::id_nik,
    IlIdentity => asia::il_identity,
    AeIdentity => asia::ae_identity,
    SaIdentity => asia::sa_identity,
    LkIdentity => asia::lk_identity,
    EgIdentity => asia::eg_identity,
    ZaIdentity => asia::za_identity,
    AuTfn => asia::au_tfn,
    AuAbn => asia::au_abn,
    AuAcn => asia::au_acn,
    AuMedicare => asia::au_medicare,
    NzIrd => asia::nz_ird,
    Ipv4 => things::ipv4,
    Ipv6 => things::ipv6,
    Mac => things::mac,
    Imei => things::imei,
    Vin => things::vin,
    VinNamed => things::vin_named,
    Lei => things::lei,
    Isin => things::isin,
    Bic => things::bic,
    Bitcoin => things::bitcoin,
    Ethereum => things::ethereum,
    Mrz => things::mrz,
    Coordinates => things::coordinates,
    PhoneInternational => phone::international,
    PhoneNanp => phone::nanp,
    PhoneNational => phone::national,
    Token => token::token,
    Credential => token::credential,
    Mixed => token::mixed,
    Password => token::password,
    Key => token::key,
    Npm => token::npm,
}

impl Validator {
    /// Whether one wrong digit is always refused, whichever number it is.
    pub(crate) const fn checks_digits(self) -> bool {
        matches!(
            self,
            Self::Card
                | Self::Iban
                | Self::DeTax
                | Self::DeHealth
                | Self::EsNif
                | Self::PtNif
                | Self::NlBsn
                | Self::ChAhv
                | Self::UkNhs
                | Self::ItCode
                | Self::FiHetu
                | Self::NoBirth
                | Self::PlPesel
                | Self::PlNip
                | Self::HrOib
                | Self::TrIdentity
                | Self::UsNpi
                | Self::UsRouting
                | Self::CaSin
                | Self::BrCpf
                | Self::BrCnpj
                | Self::InAadhaar
                | Self::InGstin
                | Self::CnResident
                | Self::SgNric
                | Self::ThCitizen
                | Self::ZaIdentity
                | Self::AuTfn
                | Self::AuAbn
                | Self::AuAcn
                | Self::IlIdentity
                | Self::Imei
                | Self::Lei
                | Self::Isin
                | Self::Bitcoin
                | Self::AeIdentity
                | Self::MxCurp
        )
    }

    /// Whether the confidence depends on the text of the match.
    pub(crate) const fn weighs(self) -> bool {
        matches!(
            self,
            Self::Card
                | Self::GithubToken
                | Self::StockadeKey
                | Self::Npm
                | Self::DkCpr
                | Self::LvPerson
                | Self::KrResident
                | Self::MxRfc
                | Self::Ethereum
        )
    }
}
