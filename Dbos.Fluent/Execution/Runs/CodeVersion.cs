using System.Security.Cryptography;
using System.Text;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The default application version: a fingerprint of the application's name and of the registered workflows' own code.</summary>
internal static class CodeVersion
{
    /// <summary>The code of each workflow, by name; a fingerprint that cannot be read equals no other.</summary>
    public static IReadOnlyList<WorkflowCode> Codes(Registry registry) =>
        [.. registry.Definitions.Select(definition => new WorkflowCode(definition.Name, definition.Fingerprint))];

    /// <exception cref="ArgumentException">The code of a definition cannot be read, so that a change of it would go unnoticed.</exception>
    public static string Of(string application, Registry registry)
    {
        // A version's name is unique in a database: one program that serves two applications has two versions.
        var text = new StringBuilder(application).Append('\n');
        foreach (var definition in registry.Definitions)
        {
            if (!definition.Shape.HasFingerprint)
            {
                throw new ArgumentException(
                    $"The code of workflow '{definition.Name}' cannot be read (it is compiled ahead of time, or made at run time), "
                    + "so a change of it would go unnoticed: set EngineOptions.ApplicationVersion, "
                    + "or the environment variable DBOS__APPVERSION.");
            }

            text.Append(definition.Name).Append('\n').Append(definition.Fingerprint).Append('\n');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..32];
    }
}
