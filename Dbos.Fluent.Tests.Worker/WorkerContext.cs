using System.Globalization;

namespace Dbos.Fluent.Tests.Worker;

/// <summary>What a scenario is given.</summary>
internal sealed record WorkerContext(WorkerPoints Points, IReadOnlyDictionary<string, string> Settings)
{
    public string Text(string name) => Settings[name];

    public int Number(string name) => int.Parse(Settings[name], CultureInfo.InvariantCulture);
}
