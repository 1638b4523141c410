"""The series as a site, offline: `build_site.py [OUT]` (default _site). README as the home page, every notebook with its stored outputs, an API page for each module from its docments, the changelog; then every internal link of what was built is followed.
Nothing is run, and neither the building nor a page fetches anything: MkDocs with mkdocs-jupyter, without MathJax, and Material without its fonts and without the stars that it asks GitHub for."""
import importlib, inspect, os, re, shutil, subprocess, sys, tempfile
from configparser import ConfigParser
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
import nbformat, yaml
from common import ROOT, notebooks, options

ini = ConfigParser(delimiters=['=']); ini.read(ROOT/'settings.ini', encoding='utf-8'); cfg = ini['DEFAULT']; BLOB = f"{cfg['git_url']}/blob/{cfg['branch']}/"

def directives(src): return {l.replace(' ', '')[2:].split(':')[0] for l in src.split('\n') if l.replace(' ', '').startswith('#|')}

def clean(path):
    "A notebook as it is shown: hidden cells gone, `#|` lines gone, code left out where only its result matters."
    nb = nbformat.read(path, 4); nb.metadata['language_info'] = {'name': 'python'}; keep = []
    for c in nb.cells:
        ds = directives(c.source) if c.cell_type == 'code' else set()
        if ds & {'hide', 'default_exp'} or c.source.strip() == '## Export -' or 'colab-badge' in c.source: continue
        if c.cell_type == 'code': c.source = '\n'.join(l for l in c.source.split('\n') if not l.replace(' ', '').startswith('#|')).strip() if 'echo' not in ds else '# (the code is in the notebook)'
        else: c.source = re.sub(r'^(#+ .*)$', lambda m: m[1].replace('`', ''), outside(c.source, path.parent), flags=re.M)      # the table of contents leaves code out of a heading's address
        keep.append(c)
    nb.cells = keep; return nb

def outside(text, here):
    "Links of a notebook to files that are not notebooks, as links to where the code is."
    def to(m):
        p = (here/m[2]).resolve(); return f"{m[1]}({BLOB}{p.relative_to(ROOT).as_posix()})" if p.is_file() and p.is_relative_to(ROOT) and not p.is_relative_to(ROOT/'nbs') else m[0]
    return re.sub(r'(\])\(([^)\s#:]+)\)', to, text)

def title(nb): return next((l[2:].strip() for c in nb.cells if c.cell_type == 'markdown' for l in c.source.split('\n') if l.startswith('# ')), 'untitled')

def esc(t): return str(t).replace('|', '\\|').replace('\n', ' ').replace('<', '&lt;')

def plain(o): return re.sub(r'<(?:[^<>]|<[^<>]*>)*>', '…', str(o))          # functions and objects have an address that changes

def described(obj, name, level='##'):
    "One function or class: its line, and a row for each parameter."
    from fastcore.docments import docments
    fn = obj.__init__ if inspect.isclass(obj) else obj
    try: sig = plain(inspect.signature(obj))
    except (TypeError, ValueError): sig = '(…)'
    out = [f'{level} `{name}`', '', '```python', f"{'class ' if inspect.isclass(obj) else ''}{name.rpartition('.')[2]}{sig}", '```', '', (inspect.getdoc(obj) or '') if obj.__doc__ else '', '']
    try: ps = docments(fn, full=True)
    except Exception: ps = {}
    rows = [(k, v) for k, v in ps.items() if k != 'self' and (v.get('docment') or k != 'return')]
    if any(v.get('docment') for _, v in rows):
        d = lambda v: '' if v.get('default') is inspect._empty or v.get('default') is None and not v.get('docment') else f"`{esc(plain(repr(v['default'])))}`"
        out += ['| | default | |', '| --- | --- | --- |'] + [f"| {'**gives**' if k == 'return' else f'`{k}`'} | {'' if k == 'return' else d(v)} | {esc(v.get('docment') or '')} |" for k, v in rows] + ['']
    return out

def api(module):
    "The page of a module."
    m = importlib.import_module(f'colorgan.{module}'); out = [f'# colorgan.{module}', '', f'> {inspect.getdoc(m) or ""}', '']; own = [(n, getattr(m, n)) for n in m.__all__]
    for n, o in own:
        if not (inspect.isclass(o) or inspect.isfunction(o)): continue
        out += described(o, n)
        if inspect.isclass(o):
            for k, f in vars(o).items():
                f = getattr(f, '__func__', f)
                if not k.startswith('_') and inspect.isfunction(f) and f.__doc__: out += described(f, f'{n}.{k}', '###')
    values = [n for n, o in own if not (inspect.isclass(o) or inspect.isfunction(o))]
    return '\n'.join(out + ([f"Also: {', '.join(f'`{n}`' for n in values)}."] if values else [])) + '\n'

def relink(text, depth):
    "Links of a page of the repository as links of the site: notebooks and pictures stay, other files are shown where the code is."
    def to(m):
        url = m[2]
        if re.match(r'[a-z]+:|#', url): return m[0]
        if url.startswith('nbs/'): return f'{m[1]}({depth}notebooks/{url[4:]})'
        if url.startswith('README_files/'): return f'{m[1]}({depth}{url})'
        return f'{m[1]}({BLOB}{url})'
    return re.sub(r'(\])\(([^)\s]+)\)', to, text)

def write_source(docs):
    nav, kinds = [], {'Series': [], 'Reports': [], 'API': []}
    (docs/'index.md').write_text(relink(re.sub(r'^.*colab-badge.*\n', '', (ROOT/'README.md').read_text('utf-8'), flags=re.M), ''), encoding='utf-8'); shutil.copytree(ROOT/'README_files', docs/'README_files')
    (docs/'changelog.md').write_text(relink((ROOT/'CHANGELOG.md').read_text('utf-8'), ''), encoding='utf-8')
    for p in notebooks():
        rel = p.relative_to(ROOT/'nbs')
        if rel.name == 'index.ipynb': continue
        nb = clean(p); to = docs/'notebooks'/rel; to.parent.mkdir(parents=True, exist_ok=True); nbformat.write(nb, to)
        kinds['Reports' if len(rel.parts) > 1 else 'Series'].append({f"{rel.stem.split('_')[0]} {title(nb)}" if rel.stem[0].isdigit() else title(nb): f'notebooks/{rel.as_posix()}'})
    (docs/'api').mkdir()
    for f in sorted((ROOT/'colorgan').glob('[a-z]*.py')): (docs/'api'/f'{f.stem}.md').write_text(api(f.stem), encoding='utf-8'); kinds['API'].append({f.stem: f'api/{f.stem}.md'})
    nav = [{'Home': 'index.md'}, *({k: v} for k, v in kinds.items()), {'Changes': 'changelog.md'}, {'Code': cfg['git_url']}]
    (docs/'extra.css').write_text('.jp-RenderedImage img { max-width: 100% } .md-typeset table:not([class]) { font-size: .68rem }\n')
    return dict(site_name=cfg['title'], site_description=cfg['description'], use_directory_urls=True, extra_css=['extra.css'],
                theme=dict(name='material', font=False, palette=dict(primary='teal'), features=['navigation.tabs', 'navigation.top', 'toc.follow', 'search.highlight', 'content.code.copy']),
                plugins=['search', {'mkdocs-jupyter': dict(execute=False, include_source=False, ignore_h1_titles=True, include_requirejs=False)}], markdown_extensions=['tables', 'fenced_code', 'attr_list', {'toc': dict(permalink=True)}, 'pymdownx.highlight', 'pymdownx.superfences'], nav=nav, strict=True)

class Links(HTMLParser):
    def __init__(self): super().__init__(); self.out, self.ids = [], set()
    def handle_starttag(self, tag, attrs):
        a = dict(attrs); self.ids |= {a[k] for k in ('id', 'name') if a.get(k)}
        for k in ('href', 'src'):
            if a.get(k) and tag in ('a', 'img', 'script', 'link', 'iframe', 'source', 'video', 'audio'): self.out.append((tag, a[k], a.get('rel') or ''))

def follow(site):
    "Internal links that lead nowhere, and things that would be fetched from elsewhere, as texts."
    pages, bad = {}, []
    for p in site.rglob('*.html'): h = Links(); h.feed(p.read_text('utf-8')); pages[p] = h
    for p, h in pages.items():
        if p.name == '404.html': continue
        for tag, url, rel in h.out:
            u = urlsplit(url)
            if u.scheme in ('data', 'mailto', 'javascript'): continue
            if u.scheme or u.netloc:
                if tag != 'a' and not set(rel.split()) & {'canonical', 'alternate', 'prev', 'next'}: bad.append(f'{p.relative_to(site)}: fetches {url[:80]}')
                continue
            to = (p.parent/unquote(u.path)).resolve() if u.path else p; to = to/'index.html' if to.is_dir() else to
            if not to.exists(): bad.append(f'{p.relative_to(site)}: {url[:80]} leads nowhere')
            elif u.fragment and to in pages and unquote(u.fragment) not in pages[to].ids and u.fragment != '__codelineno': bad.append(f'{p.relative_to(site)}: {url[:80]} has no such place')
    return bad, len(pages)

def main():
    out = Path((options(__doc__, names='FOLDER').names or [ROOT/'_site'])[0]).resolve(); work = Path(tempfile.mkdtemp()); (work/'docs').mkdir()
    try:
        conf = write_source(work/'docs') | dict(docs_dir=str(work/'docs'), site_dir=str(out)); (work/'mkdocs.yml').write_text(yaml.safe_dump(conf, sort_keys=False, allow_unicode=True), encoding='utf-8')
        r = subprocess.run([sys.executable, '-m', 'mkdocs', 'build', '--quiet', '--clean', '-f', str(work/'mkdocs.yml')], cwd=work, env=os.environ | dict(NO_MKDOCS_2_WARNING='1', JUPYTER_PLATFORM_DIRS='1', PYTHONWARNINGS='ignore'))
        if r.returncode: sys.exit('site: MkDocs could not build it')
    finally: shutil.rmtree(work, ignore_errors=True)
    bad, n = follow(out)
    print('\n'.join(bad) or f'{n} pages, every internal link leads somewhere: {out/"index.html"}'); sys.exit(bool(bad))

if __name__ == '__main__': main()
