"""Compiles the CUDA sources with NVRTC to PTX and writes the manifest. Called by build.sh.

Every kernels/cuda/*.cu is a module. scan.cu is one module per cell: compiled with -DCELL=NAME
for each kernels/cells/NAME.h and named after the cell.
"""

import argparse
import concurrent.futures
import ctypes
import hashlib
import json
import multiprocessing
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CUDA = ROOT / "kernels/cuda"
CELLS = ROOT / "kernels/cells"
OUT = ROOT / "kernels/ptx"

# Compute capabilities with code of their own; newer GPUs run the newest of these.
ARCHS = [70, 80, 90]

# Flushing denormals is what the CPU's scan does, too. Division and square root are exact.
OPTIONS = ["--std=c++17", "--device-as-default-execution-space", "--ftz=true", "--prec-div=true", "--prec-sqrt=true", "--fmad=true"]

# GPUs that ptxas assembles the code for.
GPUS = [70, 75, 80, 86, 90]


class Nvrtc:
    """The run-time compiler, behind its C interface."""

    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.nvrtcGetErrorString.restype = ctypes.c_char_p

    def call(self, name, *args):
        code = getattr(self.lib, name)(*args)
        return self.lib.nvrtcGetErrorString(code).decode() if code else None

    def text(self, program, what):
        """Returns the text named what, e.g. PTX, of a program."""
        size = ctypes.c_size_t()
        self.call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        self.call(f"nvrtcGet{what}", program, buffer)
        return buffer.value.decode()

    def version(self):
        major, minor = ctypes.c_int(), ctypes.c_int()
        self.call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
        return f"{major.value}.{minor.value}"

    def compile(self, source, options):
        """Returns the PTX of a source file.

        The compiler reads the file through an #include, so that the paths of what that file
        includes are relative to it.
        """
        program = ctypes.c_void_p()
        text = f'#include "{source}"\n'.encode()
        self.call("nvrtcCreateProgram", ctypes.byref(program), text, b"module.cu", 0, None, None)
        args = [o.encode() for o in options]
        error = self.call("nvrtcCompileProgram", program, len(args), (ctypes.c_char_p * len(args))(*args))
        if error:
            sys.exit(f"kernels/ptx: {source.relative_to(ROOT)}: {error}\n{self.text(program, 'ProgramLog')}")
        ptx = self.text(program, "PTX")
        self.call("nvrtcDestroyProgram", ctypes.byref(program))
        return ptx


def modules():
    """Returns the source files and macros of each module by name."""
    found = {}
    for source in sorted(CUDA.glob("*.cu")):
        if source.stem != "scan":
            found[source.stem] = ([source], [])
            continue
        for cell in sorted(CELLS.glob("*.h")):
            found[cell.stem] = ([source, cell], [f"-DCELL={cell.stem}"])
    return found


def closure(files):
    """Returns files and what they include, recursively; includes that lie elsewhere (those of
    the host) are left out."""
    todo, seen = list(files), set()
    while todo:
        file = todo.pop().resolve()
        if file in seen:
            continue
        seen.add(file)
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', file.read_text(), re.M):
            if (file.parent / name).exists():
                todo.append(file.parent / name)
    return sorted(seen)


def strip(ptx):
    """Drops comments and empty lines: they name the compiler's build and repeat the source."""
    ptx = re.sub(r"//[^\n]*", "", ptx)
    return "\n".join(line.rstrip() for line in ptx.split("\n") if line.strip()) + "\n"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def options_of(macros, arch):
    return OPTIONS + macros + [f"--gpu-architecture=compute_{arch}"]


def compile_one(library, name, arch):
    """Returns the PTX of a module for an architecture; runs in a process of its own."""
    roots, macros = modules()[name]
    return strip(Nvrtc(library).compile(roots[0], options_of(macros, arch)))


def compile_all(library, version, out):
    """Writes every PTX file and the manifest to the folder out.

    Where an architecture gets the same code as the one before it, it has no file of its own.
    """
    jobs = [(library, name, arch) for name in modules() for arch in ARCHS]
    with multiprocessing.Pool() as pool:
        compiled = dict(zip((job[1:] for job in jobs), pool.starmap(compile_one, jobs, chunksize=1)))
    sources, files = {}, {}
    for name, (roots, macros) in sorted(modules().items()):
        used = closure(roots)
        for file in used:
            sources[str(file.relative_to(ROOT))] = sha256(file.read_bytes())
        body = None
        for arch in ARCHS:
            ptx = compiled[name, arch]
            last, body = body, ptx.replace(f".target sm_{arch}\n", "")
            if body == last:
                continue
            ptx = ptx.encode()
            (out / f"{name}.sm{arch}.ptx").write_bytes(ptx)
            files[f"{name}.sm{arch}.ptx"] = {
                "sha256": sha256(ptx),
                "options": options_of(macros, arch),
                "sources": [str(file.relative_to(ROOT)) for file in used],
            }
    manifest = {
        "compiler": f"NVRTC {Nvrtc(library).version()} (nvidia-cuda-nvrtc-cu12 {version})",
        "files": files,
        "sources": dict(sorted(sources.items())),
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent="\t") + "\n")


def newest(files, gpu):
    """Returns the file of each module that a GPU would load."""
    chosen = {}
    for file in files:
        module, arch = re.match(r"(\w+)\.sm(\d+)\.ptx$", file.name).groups()
        if int(arch) <= gpu:
            chosen[module] = max(chosen.get(module, (0, None)), (int(arch), file))
    return [file for _, file in chosen.values()]


def assemble(ptxas, folder):
    """Has ptxas assemble every module for every GPU, and returns a table of what each kernel
    takes."""
    jobs = [(gpu, file) for gpu in GPUS for file in newest(sorted(folder.glob("*.ptx")), gpu)]

    def run(job):
        gpu, file = job
        return subprocess.run([ptxas, "-v", f"-arch=sm_{gpu}", "-o", "/dev/null", file], capture_output=True, text=True)

    table = {}
    with concurrent.futures.ThreadPoolExecutor(multiprocessing.cpu_count()) as pool:
        for (gpu, file), done in zip(jobs, pool.map(run, jobs)):
            if done.returncode:
                sys.exit(f"kernels/ptx: {file.name} for sm_{gpu}:\n{done.stderr}")
            for kernel, cell in resources(done.stderr):
                table.setdefault(kernel, {})[gpu] = cell
    width = max((len(kernel) for kernel in table), default=0)
    lines = ["Registers of a thread, +bytes that it spills, /bytes of static shared memory of a block."]
    lines.append(f"{'':<{width}}" + "".join(f"{f'sm_{gpu}':>14}" for gpu in GPUS))
    for kernel, cells in sorted(table.items()):
        lines.append(f"{kernel:<{width}}" + "".join(f"{cells.get(gpu, '-'):>14}" for gpu in GPUS))
    return "\n".join(lines) + "\n"


def resources(log):
    """Reads what ptxas -v says of each kernel."""
    kernel, spilled, rows = "", 0, []
    for line in log.splitlines():
        if m := re.search(r"Compiling entry function '(\w+)'", line):
            kernel, spilled = m[1], 0
        if m := re.search(r"(\d+) bytes spill stores", line):
            spilled = int(m[1])
        if m := re.search(r"Used (\d+) registers", line):
            shared = re.search(r"(\d+) bytes smem", line)
            rows.append((kernel, m[1] + (f"+{spilled}" if spilled else "") + (f"/{shared[1]}" if shared else "")))
    return rows


def compare(fresh):
    """Exits unless the folder fresh holds exactly the committed files."""
    names = lambda folder: {f.name for f in folder.iterdir() if f.suffix == ".ptx"} | {"manifest.json"}
    have = {n for n in names(OUT) if (OUT / n).exists()}
    wrong = sorted(have ^ names(fresh))
    wrong += sorted(n for n in have & names(fresh) if (OUT / n).read_bytes() != (fresh / n).read_bytes())
    if wrong:
        sys.exit(f"kernels/ptx: committed files are not what the sources give: {', '.join(wrong)}; run make ptx")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nvrtc", required=True)
    parser.add_argument("--ptxas", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder)
        compile_all(args.nvrtc, args.version, fresh)
        if args.check:
            compare(fresh)
            return
        (fresh / "resources.txt").write_text(assemble(args.ptxas, fresh))
        for file in OUT.glob("*.ptx"):
            file.unlink()
        for file in fresh.iterdir():
            (OUT / file.name).write_bytes(file.read_bytes())
    sizes = [f.stat().st_size for f in OUT.glob("*.ptx")]
    print(f"{len(sizes)} files, {sum(sizes) / 1e6:.2f} MB")


main()
