"settings.ini, read once more for setuptools: the version and the requirements are written in one place only."
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup, find_packages

ini = ConfigParser(delimiters=['=']); ini.read('settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']
extras = {k.removesuffix('_requirements'): v.split() for k, v in cfg.items() if k.endswith('_requirements')}
setup(name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], keywords=cfg['keywords'], author=cfg['author'],
      author_email=cfg['author_email'], url=cfg['git_url'], license='Apache-2.0', python_requires='>=' + cfg['min_python'],
      packages=find_packages(include=['colorgan', 'colorgan.*']), package_data={'colorgan': ['py.typed']}, install_requires=cfg['requirements'].split(), extras_require=extras,
      entry_points={'console_scripts': cfg['console_scripts'].split(), 'nbdev': [f"{cfg['lib_name']}={cfg['lib_name']}._modidx:d"]},
      long_description=Path('README.md').read_text('utf-8') if Path('README.md').exists() else '', long_description_content_type='text/markdown')
