"README.md from nbs/index.ipynb, by nbconvert: hidden cells and export cells are left out, pictures go to README_files/."
import re, shutil
import nbformat
from nbconvert import MarkdownExporter
from common import ROOT

def main():
    nb = nbformat.read(ROOT/'nbs'/'index.ipynb', 4); nb.metadata['language_info'] = {'name': 'python'}; keep = []
    for c in nb.cells:
        ds = {l.replace(' ', '')[2:].split(':')[0] for l in c.source.split('\n') if l.replace(' ', '').startswith('#|')} if c.cell_type == 'code' else set()
        if ds & {'hide', 'export', 'default_exp'}: continue
        if c.cell_type == 'code':
            c.source = '\n'.join(l for l in c.source.split('\n') if not l.replace(' ', '').startswith('#|'))
            for o in c.outputs:
                if any(k.startswith('image/') for k in o.get('data', {})): o.data.pop('text/plain', None)
            if 'echo' in ds: c.source = ''
        keep.append(c)
    nb.cells = keep; text, res = MarkdownExporter().from_notebook_node(nb, {'unique_key': 'README', 'output_files_dir': 'README_files'}); d = ROOT/'README_files'
    shutil.rmtree(d, ignore_errors=True)
    for name, data in res['outputs'].items(): (ROOT/name).parent.mkdir(exist_ok=True); (ROOT/name).write_bytes(data)
    text = re.sub(r'```python\n\s*```\n', '', text); text = re.sub(r'\n{3,}', '\n\n', text).strip()
    (ROOT/'README.md').write_text('<!-- made from nbs/index.ipynb by tools/readme.py; edit that -->\n\n' + text + '\n', encoding='utf-8')

if __name__ == '__main__': main()
