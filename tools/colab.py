"""What Colab needs of every notebook: a badge, one install cell, and no nbdev. `colab.py` writes it, `colab.py --check` says what lacks it.
The owner's name is `user` in settings.ini; the few other places that hold it are written, and checked, here too.
The install leaves Colab's own torch alone: the library's requirements are met by it. Reports and the home page read results/, so theirs fetches the checkout."""
import json, re, sys
from configparser import ConfigParser
from common import ROOT, notebooks, options

ini = ConfigParser(delimiters=['=']); ini.read(ROOT/'settings.ini', encoding='utf-8'); cfg = ini['DEFAULT']; url = cfg['git_url']; where = url.removeprefix('https://github.com/')
needs = {'02': 'photos', '02a': 'photos', '10': 'photos', '03a': 'timm', '10a': 'video', '10b': 'onnx', '10c': 'app', '10e': 'hub'}
export = '#| hide\nfrom importlib.util import find_spec\nif find_spec(\'nbdev\'): import nbdev; nbdev.nbdev_export()          # not on Colab'

HOME = 'index.ipynb'      # README: its badge leads to the notebook that takes a reader's own photo

# file, what stands before the place, what stands there
owned = [('CITATION.cff', r'^repository-code: ', url), ('CITATION.cff', r'^version: ', cfg['version']), ('nbs/10_colorize.ipynb', r"^ *\"weights_url = '", f"{url}/raw/{cfg['branch']}/data/weights/"), (f'nbs/{HOME}', r'(?:git clone |git\+)(?=https)', url)]
def place(before): return re.compile(f"({before})[^\\s'\"\\\\]+", re.M)

def badge(rel):
    img = '[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]'; to = f'(https://colab.research.google.com/github/{where}/blob/{cfg["branch"]}/nbs/'
    return f'{img}{to}10_colorize.ipynb) a photo of your own, with nothing to install.' if rel == HOME else f'{img}{to}{rel})'

def install(rel):
    extra = needs.get(rel.rpartition('/')[2].split('_')[0]); what = f'"colorgan[{extra}] @ git+{url}"' if extra else f'git+{url}'
    fetch = f'\n! [ -e /content ] && git clone -q --depth 1 {url} /content/colorgan\nimport os; os.chdir("/content/colorgan/nbs{"/experiments" if "/" in rel else ""}") if os.path.exists("/content") else None' if rel.startswith('experiments/') or rel == HOME else ''
    return f'#| hide\n#| eval: false\n! [ -e /content ] && pip install -qq {what}          # on Colab only{fetch}'

def wanted(rel, cells):
    "The cells of a notebook as they should be."
    src = lambda c: ''.join(c['source']); out = [c for c in cells if 'colab-badge.svg' not in src(c) and '[ -e /content ]' not in src(c)]
    cell = lambda kind, id, text: dict(cell_type=kind, id=id, metadata={}, source=text.splitlines(True), **(dict(execution_count=None, outputs=[]) if kind == 'code' else {}))
    out = [c | dict(source=export.splitlines(True)) if re.search(r'nbdev_export\(\)', src(c)) else c for c in out]
    return [out[0], cell('markdown', 'c01ab000', badge(rel)), cell('code', 'c01ab001', install(rel)), *out[1:]]

def main():
    bad, check = [], options(__doc__, '--check').check
    for p in notebooks():
        rel = p.relative_to(ROOT/'nbs').as_posix(); text = p.read_text('utf-8'); nb = json.loads(text)
        nb['cells'] = wanted(rel, nb['cells']); new = json.dumps(nb, ensure_ascii=False, indent=1, sort_keys=True) + '\n'
        if json.loads(new) == json.loads(text): continue
        bad.append(f'{rel}: no badge, no install cell, or nbdev on Colab')
        if not check: p.write_text(new, encoding='utf-8')
    for f, before, what in owned:
        p = ROOT/f; text = p.read_text('utf-8'); is_there = [m[0][len(m[1]):] for m in place(before).finditer(text)]
        if is_there and set(is_there) == {what}: continue
        bad.append(f"{f}: {', '.join(is_there) or 'nothing'} where settings.ini says {what}")
        if not check: p.write_text(place(before).sub(lambda m: m[1] + what, text), encoding='utf-8')
    if check and bad: print('\n'.join(bad) + '\nrun python tools/colab.py'); sys.exit(1)

if __name__ == '__main__': main()
