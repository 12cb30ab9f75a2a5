using System.Globalization;

namespace Dbos.Fluent.Benchmarks;

/// <summary>The figures of several rounds: shown as median and range, because these machines are noisy.</summary>
internal sealed class Figures(string what, string unit)
{
    private readonly string unit = unit;

    private string What => what;

    private readonly List<double> values = [];

    public bool IsEmpty => values.Count == 0;

    public double Median => values.Order().ElementAt(values.Count / 2);

    /// <summary>One single-row insert, its own commit, on one connection: the measure of the machine and the minute.</summary>
    public static Figures Insert() => new("one bare single-row insert, a commit (p50)", "ms");

    public void Add(double value) => values.Add(value);

    public void Clear() => values.Clear();

    public void Add(double? value)
    {
        if (value is { } there)
        {
            values.Add(there);
        }
    }

    public void Print() => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{what,-52} {Median,10:0.###} {unit,-12} "
                + $"({values.Min():0.###}-{values.Max():0.###}, {values.Count} rounds)"));

    public void PrintRatio(Figures other) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"  ratio to '{other.What}': {Median / other.Median:0.00}"));

    /// <summary>The machine's own measure, where there is one, and each of these in terms of it.</summary>
    public static void PrintBeside(Figures insert, params Figures[] all)
    {
        if (insert.IsEmpty)
        {
            return;
        }

        insert.Print();
        foreach (var figures in all)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  {figures.What}: {figures.InTermsOf(insert):0.00} {figures.Measure(insert)}"));
        }
    }

    // A time in inserts; a rate in what is done in the time of one insert.
    private double InTermsOf(Figures insert) => unit == insert.unit ? Median / insert.Median : Median * insert.Median / 1000;

    private string Measure(Figures insert) => unit == insert.unit ? "inserts" : "in the time of one insert";
}
