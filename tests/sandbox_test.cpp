// Generated programs cannot touch files outside their folder, the network, or outlive their limits.
#include "llama2/eval/sandbox.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "catch.hpp"
#include "error_of.hpp"
#include "temp_file.hpp"

#if defined(__linux__)
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

using llama2::Error;
using llama2::ErrorCode;
using llama2::Sandbox;
using llama2::SandboxOptions;
using llama2::SandboxResult;

namespace {

/// Why this machine cannot have a sandbox; empty if it can.
std::string missing() {
  for (const char* program : {"/usr/bin/prlimit", "/usr/bin/python3"})
    if (!std::filesystem::exists(program)) return std::string("no ") + program;
  try {
    const auto bare = llama2::os::run_process(
        {.arguments = {"bwrap", "--unshare-user", "--unshare-net", "--ro-bind", "/", "/", "true"}});
    return bare.end == llama2::os::ProcessResult::End::exited && bare.status == 0
               ? ""
               : "bwrap cannot start: " + bare.output;
  } catch (const Error& error) {
    return error.what();
  }
}

/// A sandbox; none, with a line that nobody overlooks, where the machine cannot have one. That it
/// can and there is none all the same is a failure.
std::optional<Sandbox> sandbox(SandboxOptions options = {}) {
  static const std::string why = missing();
  if (!why.empty()) {
    std::cerr << "*** SKIPPED: no sandbox here: " << why << '\n';
    return std::nullopt;
  }
  options.allow_generated_code = true;
  return Sandbox(options);
}

/// A variable of the environment, for as long as this lives.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value, 1);
  }
  ~Environment() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

}  // namespace

TEST_CASE("no generated program is run unless that is asked for") {
  const auto error = test::error_of([] { Sandbox{SandboxOptions{}}; });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::unsupported);
  CHECK_THAT(error->what(), Catch::Matchers::Contains("unless that is asked for"));
}

TEST_CASE("where no sandbox can be started, none pretends to be one") {
  SECTION("bubblewrap is missing") {
    const Environment none("PATH", "/nonexistent");
    const auto error = test::error_of([] { Sandbox({.allow_generated_code = true}); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::unsupported);
    CHECK_THAT(error->what(), Catch::Matchers::Contains("bubblewrap"));
  }
  SECTION("bubblewrap refuses, as where user namespaces are forbidden") {
    const std::string folder =
        std::filesystem::temp_directory_path() / "llama2_test_refusing_bwrap";
    std::filesystem::create_directories(folder);
    const std::string program = folder + "/bwrap";
    {
      const test::TempFile script(
          "#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n");
      std::filesystem::copy_file(script.path(), program,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    std::filesystem::permissions(program, std::filesystem::perms(0755));
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    const Environment path("PATH", folder.c_str());
    const auto error = test::error_of([] { Sandbox({.allow_generated_code = true}); });
    std::filesystem::remove_all(folder);
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::unsupported);
    CHECK_THAT(error->what(), Catch::Matchers::Contains("No permissions"));
  }
  SECTION("the interpreter is missing") {
    const auto error = test::error_of(
        [] { Sandbox({.allow_generated_code = true, .interpreter = "no-such-interpreter"}); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::unsupported);
  }
}

TEST_CASE("a program passes if it runs to its last line") {
  const auto box = sandbox();
  if (!box) return;
  CHECK(box->passes("def f(x):\n  return x + 1\nassert f(1) == 2"));
  CHECK_FALSE(box->passes("def f(x):\n  return x + 1\nassert f(1) == 3"));
  CHECK_FALSE(box->passes("this is no program"));
  CHECK_FALSE(box->passes("import sys\nsys.exit(0)\nassert False"));
  CHECK_FALSE(box->passes("import os\nos._exit(0)"));
  const SandboxResult result = box->run("import sys\nprint('out')\nsys.exit(3)");
  CHECK(result.end == SandboxResult::End::failed);
  CHECK(result.status == 3);
  CHECK(result.output == "out\n");
}

TEST_CASE("a program sees and touches no files but its own") {
  const auto box = sandbox();
  if (!box) return;
  const test::TempFile secret("the secret");
  std::filesystem::permissions(secret.path(), std::filesystem::perms(0666));
  ::setenv("LLAMA2_TEST_SECRET", "the secret", 1);
  const SandboxResult result = box->run(
      "import os\n"
      "def attempt(what, f):\n"
      "  try:\n"
      "    f()\n"
      "    print('BAD:', what)\n"
      "  except OSError as e:\n"
      "    print('refused:', what)\n"
      "secret = '" +
      secret.path() +
      "'\n"
      "attempt('read', lambda: open(secret).read())\n"
      "attempt('replace', lambda: open('" LLAMA2_SOURCE_DIR
      "/README.md', 'w'))\n"
      "attempt('remove', lambda: os.remove('" LLAMA2_SOURCE_DIR
      "/README.md'))\n"
      "open(secret, 'w').write('another of the same name, in its own /tmp')\n"
      "for folder in ['/', '/usr', '/usr/bin', '/dev', '/dev/shm', '/etc', '/proc/sys/kernel']:\n"
      "  attempt('write ' + folder, lambda: open(folder + '/x', 'w'))\n"
      "for path in ['/etc/passwd', '/etc/shadow', '/root', '/home', '/var', '/sys', '/run']:\n"
      "  attempt('see ' + path, lambda: os.stat(path))\n"
      "attempt('change itself', lambda: open('/program', 'a'))\n"
      "attempt('a mount', lambda: os.chroot('/tmp'))\n"
      "if 'LLAMA2_TEST_SECRET' in os.environ: print('BAD: environment')\n"
      "if b'SECRET' in open('/proc/1/environ', 'rb').read(): print('BAD: the environment of 1')\n"
      "if any(os.path.exists('/proc/self/fd/%d' % n) for n in range(4, 64)): print('BAD: files')\n"
      "if os.getuid() == 0: print('BAD: root')\n"
      "print(sum(name.isdigit() for name in os.listdir('/proc')) < 5)\n"
      "open('own', 'w').write('x' * 1000)\n"
      "print(len(open('/tmp/own').read()))\n");
  INFO(result.output);
  CHECK(result.end == SandboxResult::End::finished);
  CHECK(result.output.find("BAD") == std::string::npos);
  CHECK(result.output.ends_with("True\n1000\n"));
  CHECK(std::ranges::count(result.output, '\n') == 3 + 7 + 7 + 2 + 2);
  CHECK(std::filesystem::file_size(secret.path()) == 10);
  CHECK_FALSE(std::filesystem::exists("/tmp/own"));
  const SandboxResult next = box->run("import os\nprint(os.listdir('/tmp'))");
  CHECK(next.output == "[]\n");  // nothing of one program is left to another
}

#if defined(__linux__)
TEST_CASE("a program has no network") {
  const auto box = sandbox();
  if (!box) return;
  // A server on this machine: reachable from here, and not from there.
  const int server = ::socket(AF_INET, SOCK_STREAM, 0);
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::socklen_t size = sizeof address;
  REQUIRE(::bind(server, reinterpret_cast<const ::sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(server, 4) == 0);
  REQUIRE(::getsockname(server, reinterpret_cast<::sockaddr*>(&address), &size) == 0);
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  CHECK(::connect(client, reinterpret_cast<const ::sockaddr*>(&address), size) == 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const SandboxResult result = box->run(
      "import socket\n"
      "def attempt(what, f):\n"
      "  try:\n"
      "    f()\n"
      "    print('BAD:', what)\n"
      "  except OSError as e:\n"
      "    print('refused')\n"
      "attempt('this machine', lambda: socket.create_connection(('127.0.0.1', " +
      port +
      "), 2))\n"
      "attempt('another', lambda: socket.create_connection(('192.0.2.1', 80), 2))\n"
      "attempt('names', lambda: socket.getaddrinfo('example.org', 80))\n"
      "attempt('datagrams', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto("
      "b'x', ('192.0.2.1', 53)))\n"
      "print([name for _, name in socket.if_nameindex()])\n");
  ::close(client);
  ::close(server);
  CHECK(result.output == "refused\nrefused\nrefused\nrefused\n['lo']\n");
}
#endif

TEST_CASE("a program does not outlive its time") {
  const auto box = sandbox({.seconds = 1.5});
  if (!box) return;
  const auto start = std::chrono::steady_clock::now();
  SECTION("sleeping") {
    CHECK(box->run("import time\ntime.sleep(600)").end == SandboxResult::End::out_of_time);
  }
  SECTION("computing, deaf to signals") {
    CHECK(box->run("import signal\n"
                   "for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU):\n"
                   "  signal.signal(s, signal.SIG_IGN)\n"
                   "while True: pass")
              .end != SandboxResult::End::finished);
  }
  SECTION("in a descendant that left its session and closed its output") {
    // It would end after a minute; `run` returns only when nobody of the sandbox is left.
    const SandboxResult result = box->run(
        "import os, time\n"
        "if os.fork() == 0:\n"
        "  os.setsid()\n"
        "  if os.fork() == 0:\n"
        "    os.closerange(0, 64)\n"
        "    time.sleep(60)\n"
        "  os._exit(0)\n"
        "print('parent ends', flush=True)\n");
    CHECK(result.end == SandboxResult::End::finished);
    CHECK(result.output == "parent ends\n");
  }
#if defined(__x86_64__)
  SECTION("having taken over the sandbox's first process, which then forgets its parent") {
    // Where the system lets nobody trace, it fails; else it would sleep for a minute.
    const SandboxResult result = box->run(
        "import ctypes, os, time\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "libc.ptrace.argtypes, libc.ptrace.restype = [ctypes.c_long] * 4, ctypes.c_long\n"
        "def trace(request, address=0, data=0):\n"
        "  result = libc.ptrace(request, 1, address, data)\n"
        "  if result == -1 and ctypes.get_errno(): raise OSError('traced by nobody')\n"
        "  return result\n"
        "trace(16)\n"
        "os.waitpid(1, 0x40000000)\n"
        "regs = (ctypes.c_ulonglong * 27)()\n"
        "for call, first in [(112, 0), (157, 1)]:\n"  // setsid, prctl(PR_SET_PDEATHSIG, 0)
        "  trace(12, 0, ctypes.addressof(regs))\n"
        "  before, at = list(regs), regs[16]\n"
        "  word = trace(1, at)\n"
        "  trace(4, at, (word & ~0xffff) | 0x050f)\n"
        "  regs[10], regs[14], regs[13], regs[15] = call, first, 0, 2**64 - 1\n"
        "  trace(13, 0, ctypes.addressof(regs))\n"
        "  trace(9)\n"
        "  os.waitpid(1, 0x40000000)\n"
        "  regs[:] = before\n"
        "  trace(13, 0, ctypes.addressof(regs))\n"
        "  trace(4, at, word)\n"
        "time.sleep(60)\n");
    CHECK(result.end != SandboxResult::End::finished);
  }
#endif
  // No timing, but the difference between 1.5 seconds and a minute or more.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(40));
}

#if defined(__linux__)
TEST_CASE("a process that left its parent and its session is killed if it was told") {
  // As bubblewrap's first process would be, should the program have taken it over.
  const auto result =
      llama2::os::run_process({.arguments = {"/bin/sh", "-c",
                                             "setsid sleep 100 > /dev/null 2>&1 &\n"
                                             "echo '{ \"child-pid\": '$!' }' > /dev/fd/$1",
                                             "sh", "{info}", "{alive}"},
                               .as_nobody = false});
  CHECK(result.end == llama2::os::ProcessResult::End::exited);
  CHECK(result.status == 0);
}
#endif

TEST_CASE("a program's processes, memory, files and output are bounded") {
  const auto box = sandbox({.seconds = 20,
                            .memory_bytes = std::size_t{256} << 20,
                            .processes = 8,
                            .file_bytes = std::size_t{1} << 20,
                            .output_bytes = 10000});
  if (!box) return;
  SECTION("processes: a fork bomb") {
    const SandboxResult result = box->run(
        "import os, time\n"
        "made = 0\n"
        "try:\n"
        "  while made < 100:\n"
        "    if os.fork() == 0:\n"
        "      time.sleep(30)\n"
        "      os._exit(0)\n"
        "    made += 1\n"
        "except OSError:\n"
        "  print('refused after', made < 8)\n");
    CHECK(result.output == "refused after True\n");
  }
  SECTION("memory") {
    const SandboxResult result = box->run(
        "try:\n"
        "  x = bytearray(300 << 20)\n"
        "  print('BAD')\n"
        "except MemoryError:\n"
        "  print('refused')\n");
    CHECK(result.output == "refused\n");
  }
  SECTION("memory that no process has in its address space") {
    // Each would be kept, a piece at a time, until the machine has none left.
    const SandboxResult result = box->run(
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def attempt(what, call):\n"
        "  ctypes.set_errno(0)\n"
        "  try:\n"
        "    failed = call() == -1\n"
        "  except OSError as e:\n"
        "    failed = True\n"
        "  print('refused' if failed else 'BAD: ' + what)\n"
        "attempt('shm', lambda: libc.shmget(0, 1 << 20, 0o1600))\n"
        "attempt('message queue', lambda: libc.msgget(0, 0o1600))\n"
        "attempt('semaphores', lambda: libc.semget(0, 100, 0o1600))\n"
        "attempt('memfd', lambda: os.memfd_create('x'))\n"
        "attempt('memfd by number', lambda: libc.syscall(279 if os.uname().machine == 'aarch64' "
        "else 319, b'x', 0))\n"
        "attempt('secret memory', lambda: libc.syscall(447, 0))\n"
        "attempt('io_uring', lambda: libc.syscall(425, 8, ctypes.create_string_buffer(120)))\n"
        "attempt('posix shm', lambda: os.open('/dev/shm/x', os.O_CREAT | os.O_RDWR))\n"
        "attempt('posix queue', lambda: libc.mq_open(b'/x', 0o102, 0o600, None))\n"
        "if os.uname().machine == 'x86_64':\n"
        "  attempt('x32', lambda: libc.syscall(0x40000000 + 29, 0, 1 << 20, 0o1600))\n"
        "else:\n"
        "  print('refused')\n");
    INFO(result.output);
    CHECK(std::ranges::count(result.output, '\n') == 10);
    CHECK(result.output.find("BAD") == std::string::npos);
    CHECK(result.end == SandboxResult::End::finished);
  }
#if defined(__x86_64__)
  SECTION("system calls of 32 bits, whose numbers mean something else") {
    const SandboxResult result = box->run(
        "import ctypes, mmap\n"
        "code = mmap.mmap(-1, 4096, prot=7)\n"
        "code.write(b'\\x53\\xb8\\x14\\0\\0\\0\\xcd\\x80\\x5b\\xc3')\n"  // getpid by int 0x80
        "at = ctypes.addressof(ctypes.c_char.from_buffer(code))\n"
        "print(ctypes.CFUNCTYPE(ctypes.c_int)(at)() > 0)\n");
    CHECK(result.end == SandboxResult::End::failed);
    CHECK(result.output.empty());
  }
#endif
  SECTION("files, one large or several") {
    const SandboxResult result = box->run(
        "import os, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "for sizes in [[2 << 20], [600 << 10, 600 << 10]]:\n"
        "  try:\n"
        "    for n, size in enumerate(sizes):\n"
        "      with open('f%d' % n, 'wb') as f: f.write(b'x' * size)\n"
        "    print('BAD')\n"
        "  except OSError:\n"
        "    print('refused')\n"
        "  for n in range(len(sizes)): os.remove('f%d' % n)\n"
        "nameless = []\n"
        "try:\n"
        "  for n in range(30):\n"
        "    nameless.append(os.open('/tmp', os.O_TMPFILE | os.O_RDWR))\n"
        "    os.write(nameless[-1], b'x' * (100 << 10))\n"
        "  print('BAD')\n"
        "except OSError:\n"
        "  print('refused')\n"
        "for n in nameless: os.close(n)\n"
        "with open('hole', 'wb') as f:\n"
        "  try:\n"
        "    os.posix_fallocate(f.fileno(), 0, 2 << 20)\n"
        "    print('BAD')\n"
        "  except OSError:\n"
        "    print('refused')\n");
    INFO(result.output);
    CHECK(result.output == "refused\nrefused\nrefused\nrefused\n");
  }
  SECTION("output: a flood") {
    const SandboxResult result = box->run("while True: print('x' * 100)");
    CHECK(result.end == SandboxResult::End::too_loud);
    CHECK(result.output.size() == 10000);
  }
}
