// SPDX-License-Identifier: Apache-2.0
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.stream.Collectors;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.commons.ClassRemapper;
import org.objectweb.asm.commons.Remapper;

/** Relocate FROM TO: the classes below FROM, with ASM in a package that no application has. */
public final class Relocate {
	public static void main(String[] arguments) throws Exception {
		Path from = Paths.get(arguments[0]), to = Paths.get(arguments[1]);
		Remapper remapper = new Remapper() {
			@Override
			public String map(String name) {
				return name.startsWith("org/objectweb/asm/") ? "obi/java/" + name.substring(14) : name;
			}
		};
		List<Path> files = Files.walk(from).filter(f -> f.toString().endsWith(".class")).collect(Collectors.toList());

		for (Path file : files) {
			String name = from.relativize(file).toString().replaceAll("\\.class$", "");
			if (name.endsWith("module-info"))
				continue;
			ClassWriter writer = new ClassWriter(0);
			new ClassReader(Files.readAllBytes(file)).accept(new ClassRemapper(writer, remapper), 0);
			Path made = to.resolve(remapper.map(name) + ".class");
			Files.createDirectories(made.getParent());
			Files.write(made, writer.toByteArray());
		}
	}
}
