using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>JSON texts from a seed: every kind of value, with sizes on both sides of each border of MessagePack.</summary>
internal sealed class RandomJson(int seed)
{
    private static readonly int[] Sizes = [0, 1, 15, 16, 31, 32, 33, 255, 256];
    private static readonly string[] Characters = ["a", "Z", "é", "\u2028", "😀", "\"", "\\", "\n", "\0", "\ufffd", "漢"];

    private readonly Random random = new(seed);

    public static IEnumerable<string> Borders()
    {
        foreach (var size in new[] { 65_535, 65_536 })
        {
            yield return JsonSerializer.Serialize(new string('x', size));
            yield return $"[{string.Join(',', Enumerable.Repeat("0", size))}]";
            yield return $"{{{string.Join(',', Enumerable.Range(0, size).Select(index => $"\"k{index}\":0"))}}}";
        }

        for (var bit = 0; bit < 70; bit++)
        {
            var power = System.Numerics.BigInteger.Pow(2, bit);
            yield return $"[{power - 1},{power},{power + 1},{-power - 1},{-power},{-power + 1}]";
        }
    }

    public string Value(int depth = 0)
    {
        var text = new StringBuilder();
        Append(text, depth);
        return text.ToString();
    }

    private void Append(StringBuilder text, int depth)
    {
        switch (random.Next(depth > 4 ? 5 : 7))
        {
            case 0:
                text.Append(new[] { "null", "true", "false" }[random.Next(3)]);
                break;
            case 1:
                text.Append(random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64));
                break;
            case 2:
                text.Append(JsonSerializer.Serialize(Math.Round((random.NextDouble() - 0.5) * 1e6, random.Next(10))));
                break;
            case 3:
                text.Append(((decimal)random.Next(100_000) / 100 * 1.00m).ToString("0.00", CultureInfo.InvariantCulture));
                break;
            case 4:
                text.Append(JsonSerializer.Serialize(Text()));
                break;
            case 5:
                Items(text, '[', ']', index => Append(text, depth + 1), depth);
                break;
            default:
                Items(text, '{', '}', index => Member(text, index, depth), depth);
                break;
        }
    }

    private void Items(StringBuilder text, char open, char close, Action<int> append, int depth)
    {
        text.Append(open);
        var count = depth > 1 ? random.Next(4) : Sizes[random.Next(5)] + 1;
        for (var index = 0; index < count; index++)
        {
            text.Append(index == 0 ? "" : ",");
            append(index);
        }

        text.Append(close);
    }

    private void Member(StringBuilder text, int index, int depth)
    {
        text.Append(JsonSerializer.Serialize($"{Text()}#{index}")).Append(':');
        Append(text, depth + 1);
    }

    private string Text() => string.Concat(Enumerable.Range(0, random.Next(3) > 0 ? random.Next(5) : Sizes[random.Next(Sizes.Length)])
        .Select(_ => Characters[random.Next(random.Next(4) > 0 ? 2 : Characters.Length)]));
}
