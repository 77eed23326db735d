use super::*;

fn bad(template: &str) -> bool {
    pieces(template).iter().any(|p| matches!(p, Piece::Code(t) if !judge(t).is_empty()))
}

#[test]
fn ways_out_are_seen() {
    for template in [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ x['__cla' ~ 'ss__'] }}",
        "{{ x['__cla' 'ss__'] }}",
        "{{ x['\\x5f\\x5fclass\\x5f\\x5f'] }}",
        "{{ x|attr('\\137\\137class\\137\\137') }}",
        "{{ x|attr(['__gl','obals__']|join) }}",
        "{{ x|attr('__slabolg__'|reverse) }}{{ '__ssalc__'|reverse }}",
        "{{ x|attr('%c%c%s'|format(95,95,'class')) }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{% set a = cycler.next %}{{ a }}",
        "{% include '/etc/passwd' %}",
        "{%- import 'x' as y -%}",
        "{{ (messages|attr(name))() }}",
        "{{ ''|attr('%c%cclass%c%c'%(95,95,95,95)) }}",
        "{{ ''|attr('x' if y else z) }}",
        "{{ ''['\\N{LOW LINE}_class__'] }}",
        "{{ ('%c%c'%(95,95)) and ''[('%c%cclass'%(95,95))] }}",
    ] {
        assert!(bad(template), "{template}");
    }
}

#[test]
fn templates_as_they_are_stay_quiet() {
    for template in [
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] }}{% endfor %}",
        "{%- if tools is defined %}{{- tools | tojson(indent=4) }}{%- endif %}",
        "{%- set ns = namespace(found=false) -%}{% set ns.found = true %}",
        "{{ raise_exception('Conversation roles must alternate') }}",
        "{{ messages[0].system or config_name }}{{ {'a': {'b': 1}}['a'] }}",
        "{{ message.content.split('</think>')[-1].lstrip('\\n') }}",
        "{% macro render(x) %}{{ x|string|trim }}{% endmacro %}{{ strftime_now('%d %b %Y') }}",
        "{% raw %}{{ ''.__class__ }}{% endraw %}",
    ] {
        assert!(!bad(template), "{template}: {:?}", pieces(template));
    }
}

#[test]
fn what_a_block_prints_is_a_value() {
    let captured = |template: &str| {
        let mut block = Capture::default();
        let codes = pieces(template).into_iter().filter_map(|piece| match piece {
            Piece::Code(tokens) => block.step(&tokens),
            Piece::Plain(plain) => {
                block.add(&plain);
                None
            }
            Piece::Broken => None,
        });
        codes.collect::<Vec<_>>()
    };
    let class = ("x".to_owned(), "__class__".to_owned());
    assert_eq!(captured("{% set x %}__class__{% endset %}{{ ''[x] }}"), std::slice::from_ref(&class));
    assert_eq!(
        captured("{% macro x() %}__cl{% if a %}ass__{% endif %}{% endmacro %}"),
        std::slice::from_ref(&class)
    );
    assert_eq!(captured("{% set x %}__cl{{ 'ass__' }}{% endset %}"), [class]);
    assert_eq!(captured("{% set x = 1 %}__class__"), []);
}
