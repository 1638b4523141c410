"""requirements-tested.txt: the set in constraints.txt, for every platform, with the sha256 of every file that a package index offers for it: `pins.py [--check]`.
`pip install --require-hashes -r requirements-tested.txt` then takes no other bytes. Made with uv, which has to be installed; --check needs nothing, and says whether the versions are those of constraints.txt."""
import configparser, re, shutil, subprocess, sys, tempfile
from pathlib import Path
from common import ROOT, options

OUT = ROOT/'requirements-tested.txt'
def versions(path): return {re.sub(r'[-_.]+', '-', n).lower(): v for n, v in re.findall(r'^([\w.-]+)(?:\[[\w,]+\])?==([^\s;\\]+)', Path(path).read_text('utf-8'), re.M)}

def check():
    want, have = versions(ROOT/'constraints.txt'), versions(OUT); bad = [f'{n} is {v} here and {want[n]} in constraints.txt' for n, v in have.items() if n in want and v != want[n]]
    bare = [b.split('==')[0] for b in re.split(r'\n(?=\w)', re.sub(r'^#.*\n', '', OUT.read_text('utf-8'), flags=re.M)) if '--hash=sha256:' not in b]
    return bad + [f'{n}, of constraints.txt, is not there' for n in want if n not in have] + [f'{n} has no hash' for n in bare] + ['it is empty']*(not have)

def main():
    if not options(__doc__, '--check').check:
        if not shutil.which('uv'): sys.exit('pins.py needs uv: pip install uv')
        d = configparser.ConfigParser(delimiters=['=']); d.read(ROOT/'settings.ini', encoding='utf-8'); d = d['DEFAULT']
        with tempfile.NamedTemporaryFile('w', suffix='.in') as f:
            f.write('\n'.join((d['requirements'] + ' ' + d['dev_requirements']).split())); f.flush()
            text = subprocess.run(['uv', 'pip', 'compile', '--quiet', '--universal', '--generate-hashes', '--no-annotate', '--no-header', '--python-version', '{}.{}.{}'.format(*sys.version_info), '-c', str(ROOT/'constraints.txt'), f.name], check=True, capture_output=True, text=True).stdout
        OUT.write_text('# What the tests and the recorded runs use, and the sha256 of each file: pip install --require-hashes -r requirements-tested.txt. Made by `make pins`.\n' + text, encoding='utf-8')
    bad = check(); print('\n'.join(f'{OUT.name}: {b}' for b in bad) or f'{OUT.name}: {len(versions(OUT))} packages, each with its hashes'); sys.exit(bool(bad))

if __name__ == '__main__': main()
