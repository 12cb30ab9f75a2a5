using System.Globalization;

namespace Dbos.Fluent.Benchmarks;

/// <summary>The figures of several rounds: shown as median and range, because these machines are noisy.</summary>
internal sealed class Figures(string what, string unit)
{
    private string What => what;

    private readonly List<double> values = [];

    public double Median => values.Order().ElementAt(values.Count / 2);

    public void Add(double value) => values.Add(value);

    public void Print() => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{what,-52} {Median,10:0.###} {unit,-12} "
                + $"({values.Min():0.###}-{values.Max():0.###}, {values.Count} rounds)"));

    public void PrintRatio(Figures other) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"  ratio to '{other.What}': {Median / other.Median:0.00}"));

}
