using System.Reflection;
using System.Runtime.Loader;

namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

/// <summary>The version of an application whose source is really compiled again, as each build of each deployment does.</summary>
public sealed class CompiledAgainTests : IDisposable
{
    private const string Carrier = """
        using System.Threading.Tasks;

        [assembly: System.Reflection.AssemblyVersion("1.0.0.0")]

        public sealed record Parcel(string Item, int Weight);

        public static class Carrier
        {
            public static Task<int> ShipAsync(Parcel parcel) => Task.FromResult(parcel.Weight);
        }
        """;

    // More types, more members, and another way of doing what it does.
    private const string NewCarrier = """
        using System.Threading.Tasks;

        [assembly: System.Reflection.AssemblyVersion("2.3.0.0")]

        public interface IAddress { string Street { get; } }

        public sealed record Parcel(string Item, int Weight)
        {
            public bool IsHeavy => Weight > 100;
        }

        public static class Carrier
        {
            public static int Shipped { get; private set; }

            public static async Task<int> ShipAsync(Parcel parcel)
            {
                await Task.Yield();
                Shipped++;
                return parcel.Weight + Shipped;
            }
        }
        """;

    private const string Shop = """
        using System;
        using System.Collections.Generic;
        using System.Linq;
        using System.Threading.Tasks;
        using Dbos.Fluent;

        public static class Shop
        {
            public static WorkflowDefinition[] Definitions() => new Packing(3).Definitions();
        }

        public sealed class Packing(int limit)
        {
            public WorkflowDefinition[] Definitions() => [Workflow.Define<string[], int>("pack", RunAsync), Fluent(limit)];

            private static WorkflowDefinition<int, int> Fluent(int most) => Workflow.Define<int, int>("weigh")
                .Step("weigh", async x =>
                {
                    await Task.Yield();
                    return await Carrier.ShipAsync(new Parcel("scales", x.Input + most));
                }).Retry(attempts: 3, retryIf: error => error is TimeoutException).As(out var weight)
                .If(x => x.Get(weight) > most, yes => yes.Step("refuse", x => Task.FromResult($"{x.Get(weight)} is too much")))
                .Return(x => x.Get(weight) * 2);

            private async IAsyncEnumerable<StepOr<int>> RunAsync(string[] items, WorkflowContext workflow)
            {
                int[] weights = [3, 1, 4, 1, 5, 9, 2, 6, 5];
                var total = 0;
                foreach (var item in items.Where(item => item.Length < limit))
                {
                    yield return Step.Run("parcel " + item, _ => Task.FromResult(new Parcel(item, WeightOf(item)))).As(out var parcel);
                    yield return Step.Run("ship", async _ => await Carrier.ShipAsync(parcel.Result)).As(out var shipped);
                    total += shipped.Result + weights[total % weights.Length];
                }

                var report = new { total, limit };
                yield return Step.Run("report", _ => Generic(report.total + report.limit)).As(out var reported);
                yield return reported.Result;

                static int WeightOf(string item) =>
                    item switch { "a" => 1, "b" => 2, "c" => 3, "d" => 4, "e" => 5, "f" => 6, "g" => 7, _ => 8 };

                Task<T> Generic<T>(T value) => Task.FromResult(value);
            }
        }
        """;

    // Stands before the shop, so that no token, no ordinal and no name that the compiler makes up is the same.
    private const string Unrelated = """
        using System;
        using System.Collections.Generic;
        using System.Linq;

        namespace Another;

        public static class AUnrelated
        {
            public static Func<int, string> Name(string prefix) => number => prefix + number;

            public static IEnumerable<string> Count()
            {
                int[] weights = [2, 7, 1, 8, 2, 8, 1, 8, 2];
                var pair = new { Other = 1, Members = weights };
                foreach (var weight in pair.Members.Where(weight => weight > pair.Other))
                {
                    yield return weight switch { 1 => "one", 2 => "two", 7 => "seven", 8 => "eight", _ => Name("no. ")(weight) };
                }
            }
        }
        """;

    private readonly TempFolder folder = new();
    private readonly List<AssemblyLoadContext> contexts = [];

    public void Dispose()
    {
        contexts.ForEach(context => context.Unload());
        folder.Dispose();
    }

    [Fact]
    public async Task A_version_is_that_of_the_workflows_text_whoever_compiles_it_and_beside_whatever()
    {
        var compiler = new Compiler(folder);
        string[] carriers =
            [await compiler.CompileAsync("Carrier", "1", [], Carrier), await compiler.CompileAsync("Carrier", "2", [], NewCarrier)];
        var changed = Shop.Replace("\"g\" => 7", "\"g\" => 9", StringComparison.Ordinal);
        Assert.NotEqual(Shop, changed);
        string[] shops =
        [
            await compiler.CompileAsync("Shop", "first", [carriers[0]], Shop),
            await compiler.CompileAsync("Shop", "beside", [carriers[0]], Unrelated, Shop),
            await compiler.CompileAsync("Shop", "upgraded", [carriers[1]], Shop),
            await compiler.CompileAsync("Shop", "changed", [carriers[0]], changed),
        ];
        var first = Load(shops[0], carriers[0]);
        Assembly[] same = [Load(shops[1], carriers[0]), Load(shops[2], carriers[1]), Load(shops[0], carriers[1])];
        var other = Load(shops[3], carriers[0]);

        // Otherwise what follows would say nothing.
        Assert.All(same[..2], shop => Assert.NotEqual(first.ManifestModule.ModuleVersionId, shop.ManifestModule.ModuleVersionId));
        Assert.NotEqual(TokenOf(first), TokenOf(same[0]));
        Assert.Equal(
            ["1.0.0.0", "1.0.0.0", "2.3.0.0"],
            ((Assembly[])[first, .. same[..2]]).Select(shop => CarrierOf(shop).Version!.ToString()));

        var version = await VersionAsync(first);
        Assert.Matches("^[0-9a-f]{32}$", version);
        foreach (var shop in same)
        {
            Assert.Equal(FingerprintsOf(first), FingerprintsOf(shop));
            Assert.Equal(version, await VersionAsync(shop));
        }

        var (before, after) = (FingerprintsOf(first), FingerprintsOf(other));
        Assert.NotEqual(before[0], after[0]);
        Assert.Equal(before[1], after[1]);
        Assert.NotEqual(version, await VersionAsync(other));
    }

    private static WorkflowDefinition[] DefinitionsOf(Assembly shop) =>
        (WorkflowDefinition[])shop.GetType("Shop")!.GetMethod("Definitions")!.Invoke(null, [])!;

    private static string[] FingerprintsOf(Assembly shop) => [.. DefinitionsOf(shop).Select(definition => definition.Fingerprint)];

    private static int TokenOf(Assembly shop) => shop.GetType("Packing")!.MetadataToken;

    private static AssemblyName CarrierOf(Assembly shop) => shop.GetReferencedAssemblies().Single(name => name.Name == "Carrier");

    private Assembly Load(string shop, string carrier)
    {
        var context = new AssemblyLoadContext(shop, isCollectible: true);
        contexts.Add(context);
        context.LoadFromAssemblyPath(carrier);
        return context.LoadFromAssemblyPath(shop);
    }

    /// <summary>The version of an engine that registers what the shop defines, and chooses none.</summary>
    private async Task<string> VersionAsync(Assembly shop)
    {
        await using var engine = await WorkflowEngine.LaunchAsync(
            options =>
            {
                options.UseSqlite(folder["versions.sqlite"]);
                options.ApplicationName = "shop";
                options.Add(DefinitionsOf(shop));
            },
            TestContext.Current.CancellationToken);
        return engine.ApplicationVersion;
    }
}
