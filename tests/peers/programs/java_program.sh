# shellcheck shell=bash
# Java compiled and run: direct buffers, collections, parallel streams, compression, a parallel collector

version() {
  need javac java
  java -version 2>&1 | sed -n '1s/"//gp'
}

run() {
  cat >Program.java <<'END'
import java.nio.*;
import java.util.*;
import java.util.stream.*;
import java.util.zip.*;

public class Program {
    public static void main(String[] arguments) throws Exception {
        Map<Integer, byte[]> map = new HashMap<>();
        Random random = new Random(1);
        for (int i = 0; i < 200_000; i++) map.put(random.nextInt(5000), new byte[random.nextInt(4000)]);
        System.out.println(map.size() + " " + map.values().stream().mapToLong(value -> value.length).sum());
        CRC32 sum = new CRC32();
        for (int i = 0; i < 200; i++) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20).alignedSlice(64);
            while (buffer.remaining() >= 8) buffer.putLong(random.nextLong());
            sum.update(buffer.flip());
        }
        System.out.println(Long.toHexString(sum.getValue()));
        Map<Integer, Long> lengths = IntStream.range(0, 3_000_000).parallel().mapToObj(Integer::toString)
            .filter(text -> text.contains("77")).collect(Collectors.groupingBy(String::length, TreeMap::new,
                Collectors.counting()));
        System.out.println(lengths);
        byte[] input = new byte[1 << 22], output = new byte[1 << 23], back = new byte[1 << 22];
        for (int i = 0; i < input.length; i++) input[i] = (byte) (i * i >> 7);
        Deflater deflater = new Deflater();
        deflater.setInput(input);
        deflater.finish();
        int size = deflater.deflate(output);
        Inflater inflater = new Inflater();
        inflater.setInput(output, 0, size);
        inflater.inflate(back);
        System.out.println(size + " " + Arrays.equals(input, back));
        System.gc();
    }
}
END
  javac Program.java
  java -XX:+UseParallelGC -Xmx256m Program
}
