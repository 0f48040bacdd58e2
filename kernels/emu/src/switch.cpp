// switch.cpp - the switch from one fiber to another: on x86-64 in a few instructions, elsewhere
// with ucontext, which EMU_UCONTEXT asks for on x86-64 too.
#include "emulator.h"

#if defined(__x86_64__) && !defined(EMU_UCONTEXT)

extern "C" void emu_switch(void **from, void *to);

// Callee-saved registers only: the rest is the caller's to save.
__asm__(".text\n"
	".globl emu_switch\n"
	".hidden emu_switch\n"
	".type emu_switch,@function\n"
	"emu_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size emu_switch,.-emu_switch\n");

void *fiber_new(char *stack, size_t size, void (*entry)())
{
	// On entry the stack pointer is 8 below a multiple of 16, as after a call.
	void **top = (void **)((uintptr_t)(stack + size) & ~(uintptr_t)15) - 1;
	*top = nullptr;
	*--top = (void *)entry;
	for (int i = 0; i < 6; i++)
		*--top = nullptr;
	return top;
}

void fiber_switch(void **from, void *to) { emu_switch(from, to); }

#else

#include <ucontext.h>

// The context of a fiber lies at the low end of its stack, that of the caller on its own.
void *fiber_new(char *stack, size_t size, void (*entry)())
{
	ucontext_t *c = (ucontext_t *)stack;
	getcontext(c);
	c->uc_stack.ss_sp = stack + sizeof *c;
	c->uc_stack.ss_size = size - sizeof *c;
	c->uc_link = nullptr;
	makecontext(c, entry, 0);
	return c;
}

void fiber_switch(void **from, void *to)
{
	ucontext_t here;
	*from = &here;
	swapcontext(&here, (ucontext_t *)to);
}

#endif
