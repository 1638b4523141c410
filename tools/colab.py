"""What Colab needs of every notebook: a badge, one install cell, and no nbdev. `colab.py` writes it, `colab.py --check` says what lacks it. The owner's name comes from settings.ini.
The install leaves Colab's own torch alone: the library's requirements are met by it. Reports read results/, so theirs fetches the checkout."""
import json, re, sys
from configparser import ConfigParser
from common import ROOT, notebooks

ini = ConfigParser(delimiters=['=']); ini.read(ROOT/'settings.ini', encoding='utf-8'); cfg = ini['DEFAULT']; url = cfg['git_url']; where = url.removeprefix('https://github.com/')
needs = {'02a': 'photos', '10': 'photos', '03a': 'timm', '10a': 'video', '10b': 'onnx', '10c': 'app', '10e': 'hub'}
export = '#| hide\nfrom importlib.util import find_spec\nif find_spec(\'nbdev\'): import nbdev; nbdev.nbdev_export()          # not on Colab'

def badge(rel): return f'[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/{where}/blob/{cfg["branch"]}/nbs/{rel})'

def install(rel):
    extra = needs.get(rel.rpartition('/')[2].split('_')[0]); what = f'"colorgan[{extra}] @ git+{url}"' if extra else f'git+{url}'
    fetch = f'\n! [ -e /content ] && git clone -q --depth 1 {url} /content/colorgan\nimport os; os.chdir("/content/colorgan/nbs/experiments") if os.path.exists("/content") else None' if rel.startswith('experiments/') else ''
    return f'#| hide\n#| eval: false\n! [ -e /content ] && pip install -qq {what}          # on Colab only{fetch}'

def wanted(rel, cells):
    "The cells of a notebook as they should be."
    src = lambda c: ''.join(c['source']); out = [c for c in cells if 'colab-badge.svg' not in src(c) and '[ -e /content ]' not in src(c)]
    cell = lambda kind, id, text: dict(cell_type=kind, id=id, metadata={}, source=text.splitlines(True), **(dict(execution_count=None, outputs=[]) if kind == 'code' else {}))
    out = [c | dict(source=export.splitlines(True)) if re.search(r'nbdev_export\(\)', src(c)) else c for c in out]
    return [out[0], cell('markdown', 'c01ab000', badge(rel)), cell('code', 'c01ab001', install(rel)), *out[1:]]

def main():
    bad = []
    for p in notebooks():
        rel = p.relative_to(ROOT/'nbs').as_posix(); text = p.read_text('utf-8'); nb = json.loads(text)
        if rel == 'index.ipynb': continue
        nb['cells'] = wanted(rel, nb['cells']); new = json.dumps(nb, ensure_ascii=False, indent=1, sort_keys=True) + '\n'
        if json.loads(new) == json.loads(text): continue
        bad.append(rel)
        if '--check' not in sys.argv: p.write_text(new, encoding='utf-8')
    if '--check' in sys.argv and bad: print(f"{', '.join(bad)}: no badge, no install cell, or nbdev on Colab: run python tools/colab.py"); sys.exit(1)

if __name__ == '__main__': main()
