// hardware.inc.h - the virtual hardware of driver.cpp, faults on order, and what is left allocated.

// ---- virtual hardware ----

struct Hardware {
	int count = 1, major = 9, minor = 0, shared = 232448, sms = 4, cluster = 8, driver = 12020;
	size_t memory = (size_t)1 << 30;
	std::string name = "Emulated GPU";
};

static Hardware hardware;

static size_t bytes_of(const std::string &s)
{
	char *end;
	double v = strtod(s.c_str(), &end);
	switch (toupper(*end)) {
	case 'K':
		return (size_t)(v * 1024);
	case 'M':
		return (size_t)(v * (1 << 20));
	case 'G':
		return (size_t)(v * (1 << 30));
	}
	return (size_t)v;
}

static void set_hardware(const std::string &key, const std::string &value)
{
	int n = atoi(value.c_str());
	size_t dot = value.find('.');
	int rest = dot == std::string::npos ? 0 : atoi(value.c_str() + dot + 1);
	if (key == "count")
		hardware.count = n;
	else if (key == "compute")
		hardware.major = n, hardware.minor = rest;
	else if (key == "memory")
		hardware.memory = bytes_of(value);
	else if (key == "shared")
		hardware.shared = (int)bytes_of(value);
	else if (key == "sms")
		hardware.sms = n;
	else if (key == "cluster")
		hardware.cluster = n;
	else if (key == "driver")
		hardware.driver = n * 1000 + rest * 10;
	else if (key == "name")
		hardware.name = value;
	else
		report("GALVANI_EMU_DEVICE has %s, want count, compute, memory, shared, sms, cluster, driver or name", key.c_str());
}

static std::vector<std::string> split(const std::string &s, char at)
{
	std::vector<std::string> parts;
	for (size_t i = 0; i <= s.size();) {
		size_t end = std::min(s.find(at, i), s.size());
		if (end > i)
			parts.push_back(s.substr(i, end - i));
		i = end + 1;
	}
	return parts;
}

static void read_hardware(const char *text)
{
	hardware = Hardware();
	for (const std::string &part : split(text ? text : "", ',')) {
		size_t eq = part.find('=');
		set_hardware(part.substr(0, eq), eq == std::string::npos ? "" : part.substr(eq + 1));
	}
	memory_limit(hardware.memory);
}

static int compute() { return hardware.major * 10 + hardware.minor; }

// ---- faults on order ----

struct Order {
	std::string call;
	long n; // 0: every one
	int code;
};

static std::vector<Order> orders;
static std::map<std::string, long> counts;

static void read_orders(const char *text)
{
	orders.clear();
	counts.clear();
	for (const std::string &part : split(text ? text : "", ',')) {
		std::vector<std::string> f = split(part, ':');
		if (f.size() == 3)
			orders.push_back({f[0], f[1] == "*" ? 0 : atol(f[1].c_str()), atoi(f[2].c_str())});
		else
			report("GALVANI_EMU_FAIL has %s, want call:n:code", part.c_str());
	}
}

static int ordered_fault(const char *call)
{
	if (orders.empty())
		return OK;
	long n = ++counts[call];
	for (const Order &o : orders)
		if (o.call == call && (o.n == 0 || o.n == n))
			return o.code;
	return OK;
}

// sticky tells whether a context is lost with this error.
static bool sticky(int code)
{
	switch (code) {
	case 214: // ECC
	case 220: // NVLink
	case 700: // illegal address
	case 702: // timeout
	case 709: // context destroyed
	case 710: // assert
	case 714: // hardware stack
	case 715: // illegal instruction
	case 716: // misaligned address
	case 717: // address space
	case 718: // program counter
	case 719: // launch failed
		return true;
	}
	return false;
}

static Context *context() { return current.empty() ? nullptr : current.back(); }

static void start()
{
	static bool done;
	if (done)
		return;
	done = true;
	read_hardware(getenv("GALVANI_EMU_DEVICE"));
	read_orders(getenv("GALVANI_EMU_FAIL"));
}

// before is what every call begins with: faults on order, then what the context tells.
static CUresult before(const char *call, bool needs_context)
{
	start();
	int code = ordered_fault(call);
	Context *c = context();
	if (code) {
		if (sticky(code) && c)
			c->error = code;
		return code;
	}
	if (!started && strcmp(call, "cuInit") && strcmp(call, "cuDriverGetVersion"))
		return NOT_INITIALIZED;
	if (!needs_context)
		return OK;
	if (!c || !contexts.count(c))
		return INVALID_CONTEXT;
	return c->error;
}

#define BEGIN(call, needs_context)                      \
	std::lock_guard<std::mutex> hold(lock);         \
	if (CUresult code = before(#call, needs_context)) \
		return code;

// ---- leaks ----

// leaks reports what is still allocated by a context, or by all but lost ones, and returns how many
// pieces there are.
static int leaks(const Context *of)
{
	size_t count = 0, bytes = 0, host = 0, host_bytes = 0, size;
	char *base;
	for (auto &o : owners)
		if ((!of || o.second == of) && !o.second->error && memory_span((void *)o.first, &base, &size))
			count++, bytes += size;
	for (auto &p : pinned)
		if ((!of || p.second.owner == of) && !p.second.owner->error)
			host++, host_bytes += p.second.size;
	if (count)
		report("leak: %zu allocations of %zu bytes of device memory are still live", count, bytes);
	if (host)
		report("leak: %zu allocations of %zu bytes of pinned host memory are still live", host, host_bytes);
	return (int)(count + host);
}

// Bytes that were copied between host and device.
static size_t copied_in, copied_out;

// tell_copies appends how many bytes were copied so far to the file that GALVANI_EMU_COPIES names.
static void tell_copies()
{
	const char *name = getenv("GALVANI_EMU_COPIES");
	if (!name || !*name)
		return;
	if (FILE *f = fopen(name, "a")) {
		fprintf(f, "%zu %zu\n", copied_in, copied_out);
		fclose(f);
	}
}

// destroy ends a context and frees all that is its.
static void destroy(Context *c)
{
	leaks(c);
	tell_copies();
	for (auto o = owners.begin(); o != owners.end();)
		if (o->second == c) {
			memory_free((char *)o->first);
			o = owners.erase(o);
		} else {
			++o;
		}
	for (auto p = pinned.begin(); p != pinned.end();)
		if (p->second.owner == c) {
			free(p->first);
			p = pinned.erase(p);
		} else {
			++p;
		}
	contexts.erase(c);
	delete c;
}

__attribute__((destructor)) static void at_exit()
{
	std::lock_guard<std::mutex> hold(lock);
	leaks(nullptr);
}
