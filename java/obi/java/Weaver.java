// SPDX-License-Identifier: Apache-2.0
package obi.java;

import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.commons.AdviceAdapter;

/** Puts calls of Hook into a class of the JDK. */
final class Weaver extends ClassVisitor {
	private static final String HOOK = "obi/java/Hook";
	private static final String SOCKET = "sun/security/ssl/SSLSocketImpl";
	private static final String BUFFER = "Ljava/nio/ByteBuffer;";
	private static final String RESULT = "Ljavax/net/ssl/SSLEngineResult;";

	private String owner;
	private boolean hasOuter;
	private int woven;

	private Weaver(ClassVisitor next) {
		super(Opcodes.ASM9, next);
	}

	static byte[] weave(byte[] bytes) {
		/* The JDK's newer class files have nothing that is new to these methods. */
		byte[] known = bytes.clone();
		int version = (bytes[6] & 0xff) << 8 | bytes[7] & 0xff;

		if (version > Opcodes.V17) {
			known[6] = 0;
			known[7] = Opcodes.V17;
		}
		ClassReader reader = new ClassReader(known);
		ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
		Weaver weaver = new Weaver(writer);

		reader.accept(weaver, ClassReader.EXPAND_FRAMES);
		if (weaver.woven < (weaver.owner.endsWith("/SSLEngineImpl") ? 2 : 1))
			throw new IllegalStateException("this JDK's " + weaver.owner + " is not known");
		byte[] made = writer.toByteArray();
		System.arraycopy(bytes, 4, made, 4, 4);
		return made;
	}

	@Override
	public void visit(int version, int access, String name, String signature, String parent, String[] interfaces) {
		owner = name;
		super.visit(version, access, name, signature, parent, interfaces);
	}

	@Override
	public org.objectweb.asm.FieldVisitor visitField(int access, String name, String type, String signature,
							 Object value) {
		hasOuter |= name.equals("this$0") && type.equals("L" + SOCKET + ";");
		return super.visitField(access, name, type, signature, value);
	}

	@Override
	public MethodVisitor visitMethod(int access, String name, String type, String signature, String[] thrown) {
		MethodVisitor next = super.visitMethod(access, name, type, signature, thrown);
		String what = name + type;

		if ((access & (Opcodes.ACC_ABSTRACT | Opcodes.ACC_NATIVE | Opcodes.ACC_STATIC)) != 0)
			return next;
		if (owner.equals(SOCKET) && name.equals("startHandshake") ||
		    owner.equals(SOCKET + "$AppInputStream") && hasOuter && what.equals("read([BII)I") ||
		    owner.equals(SOCKET + "$AppOutputStream") && hasOuter && what.equals("write([BII)V")) {
			woven++;
			return new OfSocket(next, access, name, type);
		}
		if (owner.endsWith("/SSLEngineImpl") && (what.equals("wrap([" + BUFFER + "II" + BUFFER + ")" + RESULT) ||
							 what.equals("unwrap(" + BUFFER + "[" + BUFFER + "II)" + RESULT))) {
			woven++;
			return new OfEngine(next, access, name, type);
		}
		return next;
	}

	/** The thread is inside the session from the first instruction to the last, however it ends. */
	private final class OfSocket extends AdviceAdapter {
		private final Label from = new Label();
		private final String name;

		OfSocket(MethodVisitor next, int access, String name, String type) {
			super(Opcodes.ASM9, next, access, name, type);
			this.name = name;
		}

		private void loadSocket() {
			loadThis();
			if (!owner.equals(SOCKET))
				visitFieldInsn(GETFIELD, owner, "this$0", "L" + SOCKET + ";");
		}

		@Override
		protected void onMethodEnter() {
			loadSocket();
			visitMethodInsn(INVOKESTATIC, HOOK, "enter", "(Ljava/lang/Object;)V", false);
			mark(from);
		}

		@Override
		protected void onMethodExit(int opcode) {
			if (opcode == ATHROW)
				return; /* of the handler below */
			if (name.equals("startHandshake")) {
				visitMethodInsn(INVOKESTATIC, HOOK, "leave", "()V", false);
				return;
			}
			if (opcode == IRETURN)
				dup();
			loadSocket();
			loadArgs();
			visitMethodInsn(INVOKESTATIC, HOOK, opcode == IRETURN ? "read" : "written",
					opcode == IRETURN ? "(ILjava/lang/Object;[BII)V" : "(Ljava/lang/Object;[BII)V", false);
		}

		@Override
		public void visitMaxs(int stack, int locals) {
			Label to = mark();
			Type[] types = Type.getArgumentTypes(methodDesc);
			Object[] frame = new Object[types.length + 1];

			frame[0] = owner;
			for (int i = 0; i < types.length; i++)
				frame[i + 1] = types[i].getSort() == Type.ARRAY ? types[i].getInternalName()
						: types[i].getSort() == Type.OBJECT ? types[i].getInternalName()
						: (Object) INTEGER;
			mv.visitTryCatchBlock(from, to, to, null);
			mv.visitFrame(F_NEW, frame.length, frame, 1, new Object[] { "java/lang/Throwable" });
			mv.visitMethodInsn(INVOKESTATIC, HOOK, "leave", "()V", false);
			mv.visitInsn(ATHROW);
			super.visitMaxs(stack, locals);
		}
	}

	private final class OfEngine extends AdviceAdapter {
		private static final String BUFFERS = "(" + BUFFER + "[" + BUFFER + "IILjava/lang/Object;Z)[I";
		private final boolean in;
		private int places;

		OfEngine(MethodVisitor next, int access, String name, String type) {
			super(Opcodes.ASM9, next, access, name, type);
			in = name.equals("unwrap");
		}

		private void loadBuffers() {
			loadArg(in ? 0 : 3);
			for (int i = 0; i < 3; i++)
				loadArg(i + (in ? 1 : 0));
			loadThis();
			push(in);
		}

		@Override
		protected void onMethodEnter() {
			loadBuffers();
			visitMethodInsn(INVOKESTATIC, HOOK, "places", BUFFERS, false);
			places = newLocal(Type.getType("[I"));
			storeLocal(places);
		}

		@Override
		protected void onMethodExit(int opcode) {
			if (opcode == ATHROW)
				return;
			dup();
			loadLocal(places);
			loadBuffers();
			visitMethodInsn(INVOKESTATIC, HOOK, "passed",
					"(" + RESULT + "[I" + BUFFERS.substring(1, BUFFERS.length() - 2) + "V", false);
		}
	}
}
