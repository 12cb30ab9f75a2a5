namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

/// <summary>What workflows call: a service, which is not their code, and makers of steps, which are.</summary>
internal static class Elsewhere
{
    public static int Calls { get; set; }

    public static Task<int> ChargeAsync(int amount)
    {
        Calls++;
        return Task.FromResult(amount * "text of the service".Length);
    }

    public static Step<int> Charging(int amount) => Step.Run("text of the maker", _ => Task.FromResult(amount * 2));

    public static async IAsyncEnumerable<Step> Part(string name)
    {
        await Task.Yield();
        yield return Step.Run("text of the part", _ => Task.FromResult(name));
    }
}
