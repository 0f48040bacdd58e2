// Package memfs is a file system in memory for tests of what must survive: it forgets at a
// crash whatever was not synced, contents and names alike, and fails any call on request.
//
// Only tests import it. It imports engine/rundir, whose interface of a file system it implements.
package memfs
