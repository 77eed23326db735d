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
