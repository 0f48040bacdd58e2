"""Compiles the CUDA sources with NVRTC to PTX, has ptxas assemble that to machine code, and writes the
archives of both and their manifest. Called by build.sh.

Every kernels/cuda/*.cu is a module. scan.cu is one module per cell and number format of products:
compiled with -DCELL=NAME -DONLY_FORMAT for each NAME in kernels/cells/list.h and named NAME_FORMAT.

What was compiled is kept in build/nvrtc/kept, under a hash of all that it depends on.
"""

import argparse
import base64
import concurrent.futures
import ctypes
import hashlib
import io
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
CUDA = ROOT / "kernels/cuda"
CELLS = ROOT / "kernels/cells"
OUT = ROOT / "kernels/ptx"
KEPT = ROOT / "build/nvrtc/kept"

# Compute capabilities with code of their own; newer GPUs run the newest of these.
ARCHS = [70, 80, 90]

# Number formats of products, and the architectures that have them.
FORMATS = ["fp32", "tf32", "bf16"]
FORMATS_ARCHS = {"fp32": ARCHS, "tf32": ARCHS[1:], "bf16": ARCHS[1:]}

# Flushing denormals is what the CPU's scan does, too. Division and square root are exact.
OPTIONS = ["--std=c++17", "--device-as-default-execution-space", "--ftz=true", "--prec-div=true", "--prec-sqrt=true", "--fmad=true"]

# Those of a source that has #define GPU_IEEE: denormals are kept, and products and sums rounded one by one.
IEEE = {"--ftz=true": "--ftz=false", "--fmad=true": "--fmad=false"}

# GPUs that ptxas assembles the code for, and those whose machine code is in the archives.
GPUS = [70, 75, 80, 86, 89, 90]
MACHINE = [80, 86, 89, 90]


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


def lean(cell):
    """Tells whether a cell is compiled for one number format and kept as PTX alone."""
    return re.search(rf"^#define {cell.stem}_LEAN\b", cell.read_text(), re.M) is not None


def formats(cell):
    """Returns the number formats of products that a cell is compiled for: one where it has none."""
    products = int(re.search(rf"^#define {cell.stem}_REC (\d+)$", cell.read_text(), re.M)[1])
    return FORMATS if products and not lean(cell) else FORMATS[:1]


def modules():
    """Returns the source files, macros and architectures of each module by name."""
    found = {}
    for source in sorted(CUDA.glob("*.cu")):
        if source.stem != "scan":
            found[source.stem] = ([source], [], ARCHS)
            continue
        names = re.findall(r"X\((\w+)\)", (CELLS / "list.h").read_text().split("#define CELLS(X)")[1])
        for cell in [CELLS / f"{name}.h" for name in names]:
            for format in formats(cell):
                macros = [f"-DCELL={cell.stem}", f"-DONLY_{format}"]
                found[f"{cell.stem}_{format}"] = ([source, cell], macros, FORMATS_ARCHS[format])
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


def kept(key, make):
    """Returns what make gives for a key of JSON: bytes, kept from the last time."""
    file = KEPT / sha256(json.dumps(key).encode())
    if not file.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        fresh.write_bytes(make())
        fresh.rename(file)
    return file.read_bytes()


def options_of(source, macros, arch):
    ieee = IEEE if re.search(r"^#define GPU_IEEE\b", source.read_text(), re.M) else {}
    return [ieee.get(option, option) for option in OPTIONS] + macros + [f"--gpu-architecture=compute_{arch}"]


def compile_one(library, version, again, name, arch):
    """Returns the PTX of a module for an architecture; runs in a process of its own. With again nothing that
    is kept is used."""
    roots, macros, _ = modules()[name]
    options = options_of(roots[0], macros, arch)
    make = lambda: strip(Nvrtc(library).compile(roots[0], options)).encode()
    sources = [(str(file.relative_to(ROOT)), sha256(file.read_bytes())) for file in closure(roots)]
    return (make() if again else kept(["nvrtc", version, options, sources], make)).decode()


def compiler(library, version):
    """Returns the name of the compiler for the manifest."""
    return f"NVRTC {Nvrtc(library).version()} (nvidia-cuda-nvrtc-cu12 {version})"


def compile_all(library, version, out):
    """Writes every PTX file to the folder out, and returns the manifest.

    Where an architecture gets the same code as the one before it, it has no file of its own.
    """
    jobs = [(library, version, False, name, arch) for name, (_, _, archs) in modules().items() for arch in archs]
    with multiprocessing.Pool() as pool:
        compiled = dict(zip((job[3:] for job in jobs), pool.starmap(compile_one, jobs, chunksize=1)))
    sources, files = {}, {}
    for name, (roots, macros, archs) in sorted(modules().items()):
        used = closure(roots)
        for file in used:
            sources[str(file.relative_to(ROOT))] = sha256(file.read_bytes())
        body = None
        for arch in archs:
            ptx = compiled[name, arch]
            last, body = body, ptx.replace(f".target sm_{arch}\n", "")
            if body == last:
                continue
            ptx = ptx.encode()
            (out / f"{name}.sm{arch}.ptx").write_bytes(ptx)
            files[f"{name}.sm{arch}.ptx"] = {
                "sha256": sha256(ptx),
                "options": options_of(roots[0], macros, arch),
                "sources": [str(file.relative_to(ROOT)) for file in used],
            }
    return {
        "compiler": compiler(library, version),
        "assembler": f"ptxas (nvidia-cuda-nvcc-cu12 {version})",
        "files": files,
        "sources": dict(sorted(sources.items())),
    }


def newest(files, gpu):
    """Returns the file of each module that a GPU would load."""
    chosen = {}
    for file in files:
        module, arch = re.match(r"(\w+)\.sm(\d+)\.ptx$", file.name).groups()
        if int(arch) <= gpu:
            chosen[module] = max(chosen.get(module, (0, None)), (int(arch), file))
    return [file for _, file in chosen.values()]


def assemble_one(ptxas, version, gpu, file):
    """Returns the machine code of a PTX file for a GPU, and what ptxas -v says of it."""

    def run():
        with tempfile.NamedTemporaryFile() as out:
            done = subprocess.run([ptxas, "-v", f"-arch=sm_{gpu}", "-o", out.name, file], capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"kernels/ptx: {file.name} for sm_{gpu}:\n{done.stderr}")
            return json.dumps([base64.b64encode(pathlib.Path(out.name).read_bytes()).decode(), done.stderr]).encode()

    code, log = json.loads(kept(["ptxas", version, gpu, sha256(file.read_bytes())], run))
    return base64.b64decode(code), log


def assemble(ptxas, version, folder, files):
    """Has ptxas assemble every module for every GPU, writes the machine code to the folder and adds it to
    the files of the manifest. Returns a table of what each kernel takes."""
    jobs = [(gpu, file) for gpu in GPUS for file in newest(sorted(folder.glob("*.ptx")), gpu)]
    table = {}
    with concurrent.futures.ThreadPoolExecutor(multiprocessing.cpu_count()) as pool:
        done = pool.map(lambda job: assemble_one(ptxas, version, *job), jobs)
        for (gpu, file), (code, log) in zip(jobs, done):
            for kernel, cell in resources(log):
                table.setdefault(kernel, {})[gpu] = cell
            header = CELLS / f"{file.name.split('.')[0].rsplit('_', 1)[0]}.h"
            if gpu in MACHINE and not (header.exists() and lean(header)):
                name = f"{file.name.split('.')[0]}.sm{gpu}.cubin"
                (folder / name).write_bytes(code)
                files[name] = {"sha256": sha256(code), "ptx": file.name, "ptx_sha256": files[file.name]["sha256"]}
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


def pack(folder, group):
    """Writes the archive of a group of modules: those of the cells in a number format, or those that all
    share. Returns its bytes.

    Its files are in one order and without times and owners: the same files give the same archive.
    """

    def belongs(name):
        module = name.split(".")[0]
        last = module.rsplit("_", 1)[-1]
        return (last if "_" in module and last in FORMATS else "shared") == group

    def plain(entry):
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        entry.mode = 0o644
        return entry

    def order(file):
        module, arch, kind = file.name.split(".")
        return module, kind != "ptx", arch

    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for file in sorted((f for f in folder.iterdir() if belongs(f.name)), key=order):
            tar.add(file, file.name, filter=plain)
    out = OUT / f"{group}.tar.zst"
    # The window holds the whole of a group, so that what cells have in common is stored once.
    out.write_bytes(subprocess.run(["zstd", "-19", "--long=25", "--quiet"], input=text.getvalue(), stdout=subprocess.PIPE, check=True).stdout)
    return out.stat().st_size


def in_turn(names):
    """Returns names of modules with one number format of each cell, in turn: formats of a cell are the same
    sources with another macro."""
    cells = {}
    for name in names:
        cell, _, last = name.rpartition("_")
        cells.setdefault(cell if last in FORMATS else name, []).append(name)
    return [several[i % len(several)] for i, several in enumerate(cells.values())]


def check(library, version, archs, every):
    """Compiles every module, or one format of each cell, anew for the architectures and exits unless that is the PTX that the committed
    manifest names for them. That the archives hold what the manifest names, that the manifest names the
    sources as they are, and machine code of that PTX, is for the tests of the package."""
    have = json.loads((OUT / "manifest.json").read_text())
    listed = modules()
    names = listed if every else in_turn(listed)
    jobs = [(library, version, True, name, arch) for name in names for arch in listed[name][2] if arch in archs]
    with multiprocessing.Pool() as pool:
        compiled = pool.starmap(compile_one, jobs, chunksize=1)
    wrong = []
    for (_, _, _, name, arch), ptx in zip(jobs, compiled):
        # Where an architecture gets the code of one before it, that file stands for both.
        made = max((a for a in ARCHS if a <= arch and f"{name}.sm{a}.ptx" in have["files"]), default=None)
        text = ptx.replace(f".target sm_{arch}\n", f".target sm_{made}\n")
        if made is None or have["files"][f"{name}.sm{made}.ptx"]["sha256"] != sha256(text.encode()):
            wrong.append(f"{name} for sm_{arch}")
    if have["compiler"] != compiler(library, version):
        wrong.append("the compiler")
    if wrong:
        sys.exit(f"kernels/ptx: the archives are not what the sources give: {', '.join(wrong)}; run make ptx")
    print(f"{len(jobs)} files of PTX are what the sources give")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nvrtc", required=True)
    parser.add_argument("--ptxas", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--check", nargs="*", type=int, choices=ARCHS, metavar="COMPUTE")
    parser.add_argument("--one-format", action="store_true")
    args = parser.parse_args()
    if args.check is not None:
        check(args.nvrtc, args.version, args.check or ARCHS, not args.one_format)
        return
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder)
        manifest = compile_all(args.nvrtc, args.version, fresh)
        table = assemble(args.ptxas, args.version, fresh, manifest["files"])
        size = sum(pack(fresh, group) for group in FORMATS + ["shared"])
        (OUT / "resources.txt").write_text(table)
        (OUT / "manifest.json").write_text(json.dumps(manifest, indent="\t", sort_keys=True) + "\n")
    print(f"{len(manifest['files'])} files, {size / 1e6:.2f} MB")


main()
