"""How every golden file is written: one JSON object that opens with a header {made_by, versions, seed, note}.

Floats are written by repr (17 significant digits where needed), so a double read back is the same double. A list of
numbers stays on one line, so that a diff shows which sequence or step changed and the files stay small.
"""
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault('TQDM_DISABLE', '1')
os.environ.setdefault('HF_HUB_OFFLINE', '1')

HERE = Path(__file__).resolve().parent
MODELS = HERE / 'models'


def header(script: str, packages: list[str], seed, note: str) -> dict:
    versions = {'python': platform.python_version(), **{name: version(name) for name in packages}}
    return {'made_by': f'python tests/golden/{Path(script).name}', 'versions': versions, 'seed': seed, 'note': note}


def render(value, indent: int = 0) -> str:
    pad = ' ' * (indent + 1)
    if isinstance(value, dict) and value and not all_scalars(value.values()):
        rows = [f'{pad}{json.dumps(k, ensure_ascii=False)}: {render(v, indent + 1)}' for k, v in value.items()]
        return '{\n' + ',\n'.join(rows) + '\n' + ' ' * indent + '}'
    if isinstance(value, list) and value and not all_scalars(value):
        rows = [f'{pad}{render(v, indent + 1)}' for v in value]
        return '[\n' + ',\n'.join(rows) + '\n' + ' ' * indent + ']'
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def all_scalars(values) -> bool:
    return all(not isinstance(v, (dict, list)) for v in values)


def write(path: Path, head: dict, body: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render({**head, **body}) + '\n', encoding='utf-8')
    print(f'{os.path.relpath(path, HERE)}: {path.stat().st_size} bytes')


def significant(x: float, digits: int) -> float:
    return float(f'{x:.{digits}g}')
