using System.Text.RegularExpressions;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>
/// Who may use whom. Two arrows are the architecture: definitions know nothing of running, and storage knows nothing of the workflows'
/// code. Namespaces do not tell (public types share one), so the built library is asked what its types use.
/// </summary>
public sealed partial class LayeringTests
{
    private static readonly string[] Leaves = ["Model", "Errors", "Diagnostics"];
    private static readonly string[] Running = ["Execution", "Definitions", "Messaging", "Storage", "Serialization", .. Leaves];

    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Model"] = [],
        ["Errors"] = ["Model"],
        ["Definitions"] = ["Model", "Errors"],
        ["Serialization"] = ["Model", "Errors"],
        ["Diagnostics"] = ["Model"],
        ["Storage"] = Leaves,
        ["Storage/Postgres"] = ["Storage", .. Leaves],
        ["Storage/Sqlite"] = ["Storage", .. Leaves],
        ["Messaging"] = ["Storage", "Serialization", .. Leaves],
        ["Execution"] = Running,
        ["Queues"] = Running,
        ["Schedules"] = Running,
        ["Recovery"] = Running,
        ["Retention"] = Running,
        ["Client"] = ["Queues", "Schedules", "Recovery", "Retention", "Storage/Postgres", "Storage/Sqlite", .. Running],
    };

    // Their folders only group files: one namespace each, and one layer.
    private static readonly string[] OneNamespace = ["Definitions", "Execution", "Storage/Postgres", "Storage/Sqlite"];

    // What the public surface demands against the rule: a step's context gives the engine as a client, which its attempt brings along.
    private static readonly HashSet<(string User, string Used)> Demanded =
    [
        ("StepContext", "WorkflowClient"),
        ("StepAttempt", "WorkflowClient"),
        ("StepRunner", "WorkflowClient"),
        ("StepOutlet", "WorkflowClient"),
        ("RunEnvironment", "WorkflowClient"),
    ];

    [Fact]
    public void Types_use_only_what_their_folder_may_use()
    {
        var breaches =
            from user in LibraryCode.Types
            let folder = Layer(LibraryCode.FolderOf(user)!)
            where MayUse.ContainsKey(folder)
            from used in LibraryCode.TypesUsedBy(user)
            let target = LibraryCode.FolderOf(used) is { } found ? Layer(found) : folder
            where target != folder && !MayUse[folder].Contains(target) && !Demanded.Contains((Written(user), Written(used)))
            select $"{folder}/{Written(user)} uses {target}/{Written(used)}";

        Breaches.None(breaches);
    }

    [Fact]
    public void Files_name_only_namespaces_that_their_folder_may_use()
    {
        var breaches =
            from file in SourceTree.Library
            let folder = Layer(file.Folder)
            where MayUse.ContainsKey(folder)
            from Match use in UsingOfOurs().Matches(file.Code)
            let target = Layer(use.Groups["folder"].Value.Replace('.', '/'))
            where target != folder && !MayUse[folder].Contains(target)
            select $"{file} uses {target}";

        Breaches.None(breaches);
    }

    [Fact]
    public void Every_folder_has_a_place_in_the_order()
    {
        string[] top = ["", "Engine", "Testing", "Hosting"];

        Breaches.None(SourceTree.Library.Select(file => Layer(file.Folder)).Distinct().Except(MayUse.Keys).Except(top));
    }

    // The folders inside a store sort its files alone: its types share the namespace of the store.
    [Fact]
    public void Namespaces_follow_folders_but_for_everyday_types()
    {
        var breaches =
            from file in SourceTree.Library
            from Match named in NamespaceOfOurs().Matches(file.Code)
            let folder = Array.Find(OneNamespace, layer => file.Folder.StartsWith(layer + "/", StringComparison.Ordinal)) ?? file.Folder
            let expected = ("Dbos.Fluent." + folder.Replace('/', '.')).TrimEnd('.')
            where named.Groups["name"].Value != expected && named.Groups["name"].Value != "Dbos.Fluent"
            select $"{file} is in namespace {named.Groups["name"].Value}";

        Breaches.None(breaches);
    }

    // A folder without a rule of its own follows the one it lies in.
    private static string Layer(string folder)
    {
        while (folder.Contains('/') && !MayUse.ContainsKey(folder))
        {
            folder = folder[..folder.LastIndexOf('/')];
        }

        return folder;
    }

    private static string Written(Type type)
    {
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        return type.Name.Split('`')[0];
    }

    [GeneratedRegex(@"^\s*(?:global )?using (?:static )?(?:\w+ = )?Dbos\.Fluent\.(?<folder>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex UsingOfOurs();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceOfOurs();
}
