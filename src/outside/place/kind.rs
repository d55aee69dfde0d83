//! Whose a file is: the application's, a package's, a framework's, or the runtime's own.

/// Packages that call the application rather than being called by it: servers, frameworks, and what
/// instruments them.
const FRAMEWORKS: &[&str] = &[
    "a2wsgi",
    "aiohttp",
    "aiohttp_cors",
    "anyio",
    "asgiref",
    "blacksheep",
    "channels",
    "connexion",
    "curio",
    "daphne",
    "ddtrace",
    "django",
    "elasticapm",
    "engineio",
    "falcon",
    "fastapi",
    "flask",
    "flask_restx",
    "gevent",
    "granian",
    "grpc",
    "gunicorn",
    "h11",
    "h2",
    "httptools",
    "hypercorn",
    "litestar",
    "mangum",
    "nest_asyncio",
    "newrelic",
    "ninja",
    "opentelemetry",
    "prometheus_fastapi_instrumentator",
    "quart",
    "rest_framework",
    "robyn",
    "sanic",
    "sanic_routing",
    "sentry_sdk",
    "slowapi",
    "sniffio",
    "socketio",
    "starlette",
    "starlette_exporter",
    "strawberry",
    "tornado",
    "trio",
    "uvicorn",
    "uvicorn_worker",
    "uvloop",
    "websockets",
    "werkzeug",
    "wrapt",
    "wsproto",
    // Node's.
    "@fastify",
    "@hapi",
    "@koa",
    "@nestjs",
    "avvio",
    "body-parser",
    "connect",
    "express",
    "fastify",
    "fastq",
    "finalhandler",
    "koa",
    "koa-compose",
    "koa-router",
    "light-my-request",
    "next",
    "restify",
    "router",
    "serve-static",
];

/// Modules of the standard library, by which frozen programs, whose paths are all relative, are
/// told from the application.
const STANDARD: &[&str] = &[
    "asyncio",
    "base64.py",
    "codecs.py",
    "collections",
    "concurrent",
    "contextlib.py",
    "copy.py",
    "csv.py",
    "email",
    "encodings",
    "functools.py",
    "glob.py",
    "gzip.py",
    "http",
    "importlib",
    "inspect.py",
    "json",
    "logging",
    "multiprocessing",
    "os.py",
    "pathlib.py",
    "pickle.py",
    "queue.py",
    "re",
    "re.py",
    "runpy.py",
    "sched.py",
    "selectors.py",
    "shutil.py",
    "socket.py",
    "socketserver.py",
    "sqlite3",
    "ssl.py",
    "subprocess.py",
    "tempfile.py",
    "threading.py",
    "typing.py",
    "urllib",
    "uuid.py",
    "xml",
    "zipfile.py",
];

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Application,
    /// An installed package of that name.
    Package(&'a str),
    Framework,
    /// The standard library, code that was generated, and what is inside the interpreter.
    Runtime,
}

/// Whose a file is, by its path.
pub(super) fn of(path: &str) -> Kind<'_> {
    if is_generated(path) {
        return Kind::Runtime;
    }
    if let Some(package) = package(path) {
        return if FRAMEWORKS.contains(&package) {
            Kind::Framework
        } else {
            Kind::Package(package)
        };
    }
    if is_standard(path) { Kind::Runtime } else { Kind::Application }
}

/// What has no file: `<frozen importlib._bootstrap>`, `<string>`, `node:fs`, modules of Cython.
fn is_generated(path: &str) -> bool {
    let is_compiled = [".pyx", ".pxd", ".pxi", ".so", ".c"].iter().any(|end| path.ends_with(end));
    let base = path.rsplit('/').next().unwrap_or(path);
    let is_named = base.starts_with('<') && base.ends_with('>');
    base.is_empty()
        || is_named
        || is_compiled
        || path.starts_with("node:")
        || path.starts_with("wasm:")
}

/// The package of a file that was installed.
fn package(path: &str) -> Option<&str> {
    const PLACES: &[&str] = &["/site-packages/", "/dist-packages/", "/node_modules/"];
    let ends = PLACES.iter().filter_map(|place| Some(path.rfind(place)? + place.len()));
    let inside = path.get(ends.max()?..)?;
    // Eggs and unpacked wheels have a directory of their own around the package.
    let is_wrapper = |part: &&str| part.ends_with(".egg") || part.ends_with(".whl");
    let name = inside.split('/').find(|part| !is_wrapper(part))?;
    Some(name.strip_suffix(".py").unwrap_or(name))
}

/// Whether a file, of no package, is of the standard library: below `lib/python3.11/`, in
/// `python311.zip`, or in a program that was frozen.
fn is_standard(path: &str) -> bool {
    let mut parts = path.split('/');
    if !path.starts_with('/') {
        return parts.next().is_some_and(|first| STANDARD.contains(&first));
    }
    let mut before = "";
    parts.any(|part| {
        let is_lib = matches!(before, "lib" | "lib64" | "Lib") && is_versioned(part);
        before = part;
        is_lib || part.strip_suffix(".zip").is_some_and(is_versioned)
    })
}

/// `python3.11`, `python3.13t`, `pypy3.9`, `python311`.
fn is_versioned(name: &str) -> bool {
    let version = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"));
    let version = version.map(|version| version.trim_end_matches('t'));
    version.is_some_and(|version| {
        version.starts_with(['2', '3']) && version.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_path() {
        for (path, kind) in [
            ("/app/db.py", Kind::Application),
            ("/app/lib/python_client/db.py", Kind::Application),
            ("/app/asyncio/tools.py", Kind::Application),
            ("/app/fastapi/main.py", Kind::Application),
            ("/app/app.pyz/pkg/mod.py", Kind::Application),
            ("app/db.py", Kind::Application),
            ("/usr/lib/python3.11/asyncio/events.py", Kind::Runtime),
            ("/home/me/.pyenv/versions/3.8.18/lib/python3.8/json/__init__.py", Kind::Runtime),
            ("/usr/lib/python311.zip/json/__init__.py", Kind::Runtime),
            ("asyncio/base_events.py", Kind::Runtime),
            ("<frozen importlib._bootstrap>", Kind::Runtime),
            ("/app/<string>", Kind::Runtime),
            ("", Kind::Runtime),
            ("uvloop/loop.pyx", Kind::Runtime),
            ("node:internal/child_process", Kind::Runtime),
            ("/v/lib/python3.11/site-packages/starlette/routing.py", Kind::Framework),
            ("/v/lib/python3.11/site-packages/requests/api.py", Kind::Package("requests")),
            ("/usr/lib/python3/dist-packages/six.py", Kind::Package("six")),
            ("/v/site-packages/x-1.0-py3.8.egg/x/y.py", Kind::Package("x")),
            ("/app/node_modules/express/lib/router/index.js", Kind::Framework),
            ("/app/node_modules/a/node_modules/bcryptjs/index.js", Kind::Package("bcryptjs")),
        ] {
            assert_eq!(of(path), kind, "{path}");
        }
    }
}
